/**
 * Lines of a text file with their numbers. Bytes that are no UTF-8 become U+FFFD; a line beyond the
 * limit is told of and passed over, for a file without line ends would otherwise be one line.
 */
import { openFile, unreadable } from './file-bytes.ts'

export interface TextLine {
  readonly line: number
  /** Undefined: longer than a line may be. */
  readonly text: string | undefined
  readonly bytes: number
}

export const MAX_LINE_BYTES = 16 * 1024 * 1024
const NEW_LINE = 0x0a
const RETURN = 0x0d
const BYTE_ORDER_MARK = '\ufeff'

export async function* textLines(path: string): AsyncGenerator<readonly TextLine[]> {
  const input = openFile(path)
  const cutter = new LineCutter()
  try {
    for await (const piece of input as AsyncIterable<Buffer>) {
      const lines = cutter.cut(piece)
      if (lines.length > 0) yield lines
    }
    const rest = cutter.end()
    if (rest.length > 0) yield rest
  } catch (cause) {
    throw unreadable(path, cause)
  } finally {
    input.destroy()
  }
}

class LineCutter {
  #line = 0
  #pieces: Buffer[] = []
  #held = 0

  cut(piece: Buffer): TextLine[] {
    const lines: TextLine[] = []
    let start = 0
    for (let end = piece.indexOf(NEW_LINE); end >= 0; end = piece.indexOf(NEW_LINE, start)) {
      lines.push(this.#finish(piece.subarray(start, end)))
      start = end + 1
    }
    this.#hold(piece.subarray(start))
    return lines
  }

  end(): TextLine[] {
    return this.#held === 0 ? [] : [this.#finish(Buffer.alloc(0))]
  }

  #hold(rest: Buffer): void {
    if (rest.length === 0) return
    this.#held += rest.length
    if (this.#held > MAX_LINE_BYTES) this.#pieces = []
    else this.#pieces.push(rest)
  }

  #finish(last: Buffer): TextLine {
    const bytes = this.#held + last.length
    const line = ++this.#line
    const whole = this.#held === 0 ? last : Buffer.concat([...this.#pieces, last])
    this.#pieces = []
    this.#held = 0
    if (bytes > MAX_LINE_BYTES) return { line, text: undefined, bytes: 0 }
    const end = whole[whole.length - 1] === RETURN ? whole.length - 1 : whole.length
    const text = whole.toString('utf8', 0, end)
    const isMarked = line === 1 && text.startsWith(BYTE_ORDER_MARK)
    return { line, text: isMarked ? text.slice(1) : text, bytes }
  }
}
