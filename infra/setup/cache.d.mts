export declare const kafkaVersion: string
export declare const registryVersion: string
export declare const cacheRoot: () => string
export declare const serverCacheFolder: () => string
export declare const compileCacheFolder: () => string
