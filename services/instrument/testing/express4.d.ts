/** Express 4 has no types of its own, and for what is used of it those of 5 hold. */
declare module 'express4' {
  export { default } from 'express'
}
