// Forms of stages and expressions for which mingo differs from MongoDB, which the generated pipelines therefore leave out:
// each with MongoDB's result and the rule of its manual. `pipeline` runs on `documents`.

const one = [{ _id: 1, n: 5, tags: ['a', 'b'], none: [] }]
const set = (value) => [{ $project: { _id: 0, made: value } }]
const made = (value) => [{ made: value }]

export const PIPELINES = [
  {
    name: '$top and $bottom',
    page: '$top; $bottom',
    rule: '$top and $bottom yield the output of one document itself, not an array.',
    documents: one, pipeline: [{ $group: { _id: null, made: { $top: { sortBy: { n: 1 }, output: '$n' } } } }], answer: [{ _id: null, made: 5 }]
  },
  {
    name: '$push of a missing field',
    page: '$push (aggregation)',
    rule: '$push leaves out documents where its expression yields nothing.',
    documents: one, pipeline: [{ $group: { _id: null, made: { $push: '$missing' } } }], answer: [{ _id: null, made: [] }]
  },
  {
    name: '$addToSet of a missing field',
    page: '$addToSet (aggregation)',
    rule: '$addToSet leaves out documents where its expression yields nothing.',
    documents: one, pipeline: [{ $group: { _id: null, made: { $addToSet: '$missing' } } }], answer: [{ _id: null, made: [] }]
  },
  {
    name: 'empty buckets',
    page: '$bucket',
    rule: '$bucket has a document for each bucket that at least one document fell into.',
    documents: one, pipeline: [{ $bucket: { groupBy: '$n', boundaries: [0, 3, 9] } }], answer: [{ _id: 3, count: 1 }]
  },
  {
    name: 'the lower bound of a bucket',
    page: '$bucket',
    rule: 'The lower bound of a bucket is inclusive, the upper one exclusive.',
    documents: [{ _id: 1, n: 0 }, { _id: 2, n: -1 }], pipeline: [{ $bucket: { groupBy: '$n', boundaries: [-5, 0, 3] } }], answer: [{ _id: -5, count: 1 }, { _id: 0, count: 1 }]
  },
  {
    name: '$and with a missing field in an order',
    page: '$lt (aggregation); Comparison/Sort Order',
    rule: 'A missing field is less than any number.',
    documents: one, pipeline: set({ $lt: ['$missing', 5] }), answer: made(true)
  },
  {
    name: 'one operand in a list',
    page: 'Expression Operators',
    rule: 'An operator of one operand takes it bare or in a list of one.',
    documents: one, pipeline: set({ $size: ['$tags'] }), answer: made(2)
  },
  {
    name: '$first of nothing',
    page: '$first (array operator)',
    rule: 'The first element of an empty array is missing.',
    documents: one, pipeline: set({ $first: '$none' }), answer: [{}]
  },
  {
    name: '$zip of lists of several lengths',
    page: '$zip',
    rule: 'The shortest input decides how long the result is, unless useLongestLength says otherwise.',
    documents: one, pipeline: set({ $zip: { inputs: ['$none', ['p', 'q']] } }), answer: made([])
  },
  {
    name: '$week',
    page: '$week',
    rule: 'Weeks begin on Sunday, and week 1 with the first Sunday of the year.',
    documents: one, pipeline: set({ $week: new Date('2024-02-29') }), answer: made(8)
  },
  {
    name: '$dateAdd past the end of a month',
    page: '$dateAdd',
    rule: 'Adding months that leads past the last day of a month gives that last day.',
    documents: one, pipeline: set({ $dateAdd: { startDate: new Date('2024-02-29'), unit: 'quarter', amount: 4 } }), answer: made(new Date('2025-02-28'))
  },
  {
    name: '$count of nothing',
    page: '$count (aggregation)',
    rule: '$count stands for a $group and a $project: without documents there is no group, and no document.',
    documents: one, pipeline: [{ $match: { n: 0 } }, { $count: 'total' }], answer: []
  },
  {
    name: '$isoWeekYear',
    page: '$isoWeekYear',
    rule: 'The year of a week in ISO 8601 is that of its Thursday: the first days of January may belong to the year before.',
    documents: one, pipeline: set({ $isoWeekYear: new Date('2022-01-01') }), answer: made(2021)
  },
  {
    name: '$dateSubtract of a year in months',
    page: '$dateSubtract',
    rule: 'Subtracting 12 months leads to the same day of the year before.',
    documents: one, pipeline: set({ $dateSubtract: { startDate: new Date(0), unit: 'month', amount: 12 } }), answer: made(new Date('1969-01-01'))
  },
  {
    name: '$dateTrunc before the year 2000',
    page: '$dateTrunc',
    rule: 'A date is truncated to the first moment of the unit that it is in, also before the reference date in 2000.',
    documents: one, pipeline: set({ $dateTrunc: { date: new Date(0), unit: 'month' } }), answer: made(new Date(0))
  },
  {
    name: '$indexOfCP',
    page: '$indexOfCP',
    rule: '$indexOfCP yields the place of the first occurrence, or -1.',
    documents: one, pipeline: set({ $indexOfCP: ['Rome', 'o'] }), answer: made(1)
  },
  {
    name: 'the order of sets',
    page: '$setUnion',
    rule: 'The order of a set operator\'s result is not defined; docs/compatibility.md: ascending.',
    documents: one, pipeline: set({ $setUnion: [[3, 1], [2]] }), answer: made([1, 2, 3])
  }
]
