// Dates in named time zones, compared with Intl.DateTimeFormat, which has ICU's copy of the IANA database: random zones and
// times, half of them close to a transition of the zone.

import test from 'ava'

import { extent, Random } from './differential/random.mjs'
import { collection, rejectsWith } from './support/database.mjs'

const { cases, seed } = extent(2000)
const HOUR = 3_600_000
const DAY = 24 * HOUR
/** ICU leaves out transitions before 1970; rules of the last years change most often. */
const [FIRST, LAST] = [Date.UTC(1970, 0, 3), Date.UTC(2023, 0, 1)]
/**
 * The share of cases in which the two databases may differ: ICU's is from another release, and releases also correct the
 * past.
 */
const CORRECTED = 0.01

const formats = new Map()

/** The local time of a zone, as the same fields in UTC. */
function local(zone, instant) {
  if (!formats.has(zone)) {
    const numeric = Object.fromEntries(['year', 'month', 'day', 'hour', 'minute', 'second'].map((part) => [part, 'numeric']))
    formats.set(zone, new Intl.DateTimeFormat('en-US', { timeZone: zone, hourCycle: 'h23', calendar: 'gregory', ...numeric }))
  }
  const parts = Object.fromEntries(formats.get(zone).formatToParts(instant).map(({ type, value }) => [type, Number(value)]))
  const millisecond = ((instant % 1000) + 1000) % 1000
  return Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute, parts.second, millisecond)
}

const offset = (zone, instant) => local(zone, instant) - instant

/** A transition of the zone between two instants with different offsets. */
function transition(zone, from, to) {
  const before = offset(zone, from)
  while (to - from > 1) {
    const middle = Math.floor((from + to) / 2)
    if (offset(zone, middle) === before) from = middle
    else to = middle
  }
  return to
}

function randomInstant(random, zone) {
  const at = random.between(FIRST / 1000, LAST / 1000) * 1000 + random.below(1000)
  const later = Math.min(at + 180 * DAY, LAST)
  if (random.chance(0.5) || offset(zone, at) === offset(zone, later)) return at
  return transition(zone, at, later) + random.between(-3 * HOUR, 3 * HOUR)
}

const fields = (time) => {
  const date = new Date(time)
  return {
    year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate(), hour: date.getUTCHours(), minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(), millisecond: date.getUTCMilliseconds()
  }
}

/** Whether this local time does not exist in the zone. */
const isSkipped = (zone, time) => [-1, 1].every((side) => local(zone, time - offset(zone, time + side * DAY)) !== time)

async function known(t) {
  const docs = await collection(t, [{ _id: 0, at: new Date(0) }])
  const names = Intl.supportedValuesOf('timeZone')
  const unknown = []
  for (const name of names) {
    const found = await docs.aggregate([{ $project: { hour: { $hour: { date: '$at', timezone: name } } } }]).toArray().catch((error) => error)
    if (!Array.isArray(found)) unknown.push(name)
  }
  t.deepEqual(unknown, [], 'every zone of Intl is known')
  return names
}

test('parts, texts and steps of dates in named zones are those of Intl', async (t) => {
  t.log(`SEED=${seed}, zones of Intl from ${process.versions.tz}`)
  const random = new Random(seed)
  const zones = await known(t)
  const documents = random.list(cases, (_id) => {
    const zone = random.pick(zones)
    const [at, to] = [randomInstant(random, zone), randomInstant(random, zone)]
    return { _id, zone, at: new Date(at), to: new Date(to), days: random.between(-400, 400), shown: { ...fields(local(zone, at)), timezone: zone } }
  })
  const docs = await collection(t, documents)
  const zoned = { date: '$at', timezone: '$zone' }
  const start = { startDate: '$at', timezone: '$zone' }
  const found = await docs.aggregate([
    {
      $set: {
        parts: { $dateToParts: zoned },
        text: { $dateToString: { ...zoned, format: '%Y-%m-%dT%H:%M:%S.%LZ' } },
        made: { $dateFromParts: Object.fromEntries(Object.keys(documents[0].shown).map((name) => [name, `$shown.${name}`])) },
        read: { $dateFromString: { dateString: { $dateToString: zoned }, format: '%Y-%m-%dT%H:%M:%S.%L', timezone: '$zone' } },
        added: { $dateAdd: { ...start, unit: 'day', amount: '$days' } },
        hours: { $dateAdd: { ...start, unit: 'hour', amount: '$days' } },
        day: { $dateTrunc: { ...zoned, unit: 'day' } },
        apart: { $dateDiff: { ...start, endDate: '$to', unit: 'day' } },
        minutesApart: { $dateDiff: { ...start, endDate: '$to', unit: 'minute' } },
        monthsApart: { $dateDiff: { ...start, endDate: '$to', unit: 'month' } }
      }
    },
    { $set: { minutes: { $map: { input: ['$at', '$to', '$made', '$added', '$day'], in: { $toInt: { $dateToString: { ...zoned, date: '$$this', format: '%Z' } } } } } } }
  ]).toArray()
  const corrected = []
  for (const one of found) {
    const { zone, days, shown } = one
    const [at, to] = [one.at.getTime(), one.to.getTime()]
    const [clock, clockTo] = [local(zone, at), local(zone, to)]
    const say = (what) => `${what}: ${zone} ${one.at.toISOString()} ${one.to.toISOString()} ${days}, SEED=${seed}`
    const instants = [one.at, one.to, one.made, one.added, one.day].map((date) => date.getTime())
    if (instants.some((instant, n) => Math.trunc(offset(zone, instant) / 60_000) !== one.minutes[n])) {
      corrected.push(`${zone} ${one.at.toISOString()}`)
      continue
    }
    const { timezone: _, ...parts } = shown
    t.deepEqual(one.parts, parts, say('parts'))
    t.is(one.text, new Date(clock).toISOString(), say('text'))
    // A local time that occurs twice may be either.
    t.is(local(zone, one.made.getTime()), clock, say('$dateFromParts'))
    t.deepEqual(one.read, one.made, say('$dateFromString'))
    const moved = clock + days * DAY
    if (!isSkipped(zone, moved)) t.is(local(zone, one.added.getTime()), moved, say('$dateAdd'))
    t.is(one.hours.getTime(), at + days * HOUR, say('$dateAdd of hours'))
    const midnight = Math.floor(clock / DAY) * DAY
    if (!isSkipped(zone, midnight)) t.is(local(zone, one.day.getTime()), midnight, say('$dateTrunc'))
    t.is(one.apart, Math.floor(clockTo / DAY) - Math.floor(clock / DAY), say('$dateDiff of days'))
    const [from, until] = [fields(clock), fields(clockTo)]
    t.is(one.monthsApart, (until.year - from.year) * 12 + until.month - from.month, say('$dateDiff of months'))
    if ((clock - at) % 60_000 === 0 && (clockTo - to) % 60_000 === 0) {
      t.is(one.minutesApart, Math.floor(to / 60_000) - Math.floor(at / 60_000), say('$dateDiff of minutes'))
    }
  }
  t.true(corrected.length <= cases * CORRECTED, `offsets differ, SEED=${seed}: ${corrected.join(', ')}`)
  if (corrected.length > 0) t.log(`other offsets: ${corrected.join(', ')}`)
})

test('a zone that there is not is refused with the number of the server, and the right name is said', async (t) => {
  const docs = await collection(t, [{ _id: 1, at: new Date(0) }])
  const hour = (timezone) => docs.aggregate([{ $project: { hour: { $hour: { date: '$at', timezone } } } }]).toArray()
  for (const [timezone, message] of [
    ['Nowhere/City', /does not know the time zone 'Nowhere\/City'; use a name of the IANA database/],
    ['europe/berlin', /its name is 'Europe\/Berlin'/],
    ['+25:00', /time zone '\+25:00'/],
    ['', /time zone ''/]
  ]) {
    const error = await rejectsWith(t, 'BAD_QUERY', hour(timezone), message)
    t.is(error.code, 40485)
  }
  await rejectsWith(t, 'BAD_QUERY', docs.find({ $expr: { $eq: [{ $hour: { date: '$at', timezone: 'Nowhere/City' } }, 1] } }).toArray(), /Nowhere\/City/)
  t.deepEqual(await hour('Asia/Kathmandu'), [{ _id: 1, hour: 5 }])
})

test('the farthest dates have parts in every zone', async (t) => {
  const docs = await collection(t, [{ _id: 1, at: new Date(8.64e15) }, { _id: 2, at: new Date(-8.64e15) }])
  const year = (timezone) => docs.find({}, { projection: { _id: 0, year: { $year: { date: '$at', timezone } } } }).toArray()
  for (const zone of ['UTC', '+14:00', '-12:00', 'Europe/Berlin', 'America/New_York', 'Pacific/Apia']) {
    t.deepEqual(await year(zone), [{ year: 275760 }, { year: -271821 }], zone)
  }
  const last = docs.aggregate([{ $match: { _id: 1 } }, { $set: { at: { $dateAdd: { startDate: '$at', unit: 'day', amount: 1, timezone: 'Europe/Berlin' } } } }])
  await rejectsWith(t, 'BAD_QUERY', last.toArray(), /leaves the range of dates/)
})
