// What the example prints: a progress line while it works, a small table at the end.
import { readdirSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'

const number = new Intl.NumberFormat('en-US')

/** Runs an action and notes what it took, in milliseconds. */
export async function timed(row, what, action) {
  const start = performance.now()
  const result = await action()
  row(what, performance.now() - start)
  return result
}

/** One line that is rewritten on a terminal; elsewhere one plain line for each quarter. */
export function progress(what, total) {
  const terminal = process.stdout.isTTY === true
  let done = 0
  let quarter = 0
  return {
    advance(count) {
      done += count
      const line = `${what}: ${number.format(done)} of ${number.format(total)}`
      if (terminal) process.stdout.write(`\r${line}`)
      else if (Math.floor((done * 4) / total) > quarter) {
        quarter = Math.floor((done * 4) / total)
        console.log(line)
      }
    },
    done() {
      if (terminal) process.stdout.write('\n')
    }
  }
}

export function bytesIn(directory) {
  let sum = 0
  for (const name of readdirSync(directory, { recursive: true })) {
    const stats = statSync(join(directory, name))
    if (stats.isFile()) sum += stats.size
  }
  return sum
}

export function report({ count, top, rows, bytes, directory, sum }) {
  const width = Math.max(...rows.map(([what]) => what.length))
  const lines = ['', 'largest cities found:']
  for (const city of top) lines.push(`  ${city.name.padEnd(14)} ${number.format(city.population).padStart(10)}`)
  lines.push('')
  for (const [what, ms] of rows) lines.push(`${what.padEnd(width)}  ${ms.toFixed(1).padStart(9)} ms`)
  lines.push(
    '',
    `${number.format(count)} cities in ${relative(process.cwd(), directory) || '.'}: ` +
      `${number.format(bytes)} bytes on disk, ${(bytes / count).toFixed(0)} a city`,
    `checked after reopening: counts and every field agree (checksum ${sum})`
  )
  console.log(lines.join('\n'))
}
