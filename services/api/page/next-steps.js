/** Commands to go on with, each with a button that copies it. */
import { element } from './dom.js'

/** @param {string} origin @param {string} data as it stands in commands; '' for none */
const steps = (origin, data) => [
  ['Watch anomalies as they are found', `npx millrace tail signals.anomalies${data}`],
  ['Send your own history through it', `npx millrace replay metrics FILE.csv${data}`],
  ['Ask the API what is unusual now', `curl '${origin}/api/anomalies?state=open'`],
  ['See every process, its memory and its port', `npx millrace status${data}`],
  ['See the topics that others can read and write', `npx millrace topics list${data}`],
  ['See records that could not be processed', `npx millrace dlq list${data}`],
]

/** Characters that no shell takes for anything else. */
const plainPath = /^[\w./@%+=:,-]+$/

/** @param {string} path */
const quoted = (path) => (plainPath.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`)

/** @type {string | undefined} */
let shownFor

/** @param {Element} list @param {string} origin @param {string | null} dataFolder */
export const showNextSteps = (list, origin, dataFolder) => {
  const data = dataFolder === null ? '' : ` --data ${quoted(dataFolder)}`
  if (data === shownFor) return
  shownFor = data
  const rows = steps(origin, data).map(([what = '', command = '']) => row(what, command))
  list.replaceChildren(...rows)
}

/** @param {string} what @param {string} command */
const row = (what, command) => {
  const code = element('code', {}, command)
  const button = element(
    'button',
    { type: 'button', class: 'copy', 'aria-label': `Copy: ${command}` },
    'Copy',
  )
  button.addEventListener('click', () => void copy(command, code, button))
  return element(
    'li',
    {},
    element('span', {}, what),
    element('span', { class: 'command' }, code, button),
  )
}

/** Without permission to write the clipboard the command is selected, ready for the keyboard. */
/** @param {string} command @param {Element} code @param {Element} button */
const copy = async (command, code, button) => {
  try {
    await navigator.clipboard.writeText(command)
    button.textContent = 'Copied'
  } catch {
    getSelection()?.selectAllChildren(code)
    button.textContent = 'Selected'
  }
  setTimeout(() => (button.textContent = 'Copy'), 1500)
}
