// The tests that fail, by the reason, and which they are: by file, then by description.

const KNOWN = {
  'every write is acknowledged: a write concern is without effect': {
    'crud/deleteMany-hint-unacknowledged.json': [
      'Unacknowledged deleteMany with hint string on 4.4+ server',
      'Unacknowledged deleteMany with hint document on 4.4+ server'
    ],
    'crud/deleteOne-hint-unacknowledged.json': [
      'Unacknowledged deleteOne with hint string on 4.4+ server',
      'Unacknowledged deleteOne with hint document on 4.4+ server'
    ],
    'crud/findOneAndDelete-hint-unacknowledged.json': [
      'Unacknowledged findOneAndDelete with hint string on 4.4+ server',
      'Unacknowledged findOneAndDelete with hint document on 4.4+ server'
    ],
    'crud/findOneAndReplace-hint-unacknowledged.json': [
      'Unacknowledged findOneAndReplace with hint string on 4.4+ server',
      'Unacknowledged findOneAndReplace with hint document on 4.4+ server'
    ],
    'crud/findOneAndUpdate-hint-unacknowledged.json': [
      'Unacknowledged findOneAndUpdate with hint string on 4.4+ server',
      'Unacknowledged findOneAndUpdate with hint document on 4.4+ server'
    ],
    'crud/replaceOne-hint-unacknowledged.json': [
      'Unacknowledged replaceOne with hint string on 4.2+ server',
      'Unacknowledged replaceOne with hint document on 4.2+ server'
    ],
    'crud/updateMany-hint-unacknowledged.json': [
      'Unacknowledged updateMany with hint string on 4.2+ server',
      'Unacknowledged updateMany with hint document on 4.2+ server'
    ],
    'crud/updateOne-hint-unacknowledged.json': [
      'Unacknowledged updateOne with hint string on 4.2+ server',
      'Unacknowledged updateOne with hint document on 4.2+ server'
    ]
  },
  'a read preference is without effect: there is one database': {
    'transactions/read-pref.json': ['secondary readPreference', 'primaryPreferred readPreference', 'nearest readPreference'],
    'transactions/transaction-options.json': [
      'readPreference inherited from client',
      'readPreference inherited from defaultTransactionOptions',
      'startTransaction overrides readPreference'
    ]
  },
  'a write concern is without effect: there are no other members': {
    'transactions/commit.json': ['write concern error on commit']
  },
  'a read concern is without effect': {
    'crud/aggregate-out-readConcern.json': ['readConcern linearizable with out stage']
  },
  'a client has no options: there is `Database.open`': {
    'transactions/write-concern.json': ['start with implicit unacknowledged write concern']
  },
  'of two open transactions that write the same, the second is refused by its commit, not by its write': {
    'transactions/errors.json': ['write conflict commit', 'write conflict abort']
  },
  'a transaction that a failed write has ended says 251 without the label': {
    'transactions/abort.json': ['abort ignores TransactionAborted']
  },
  'an update of the wrong form is refused with the server\'s code, not with an error of the driver': {
    'crud/bulkWrite-update-validation.json': [
      'BulkWrite replaceOne prohibits atomic modifiers',
      'BulkWrite updateOne requires atomic modifiers',
      'BulkWrite updateMany requires atomic modifiers'
    ],
    'crud/replaceOne-validation.json': ['ReplaceOne prohibits atomic modifiers'],
    'crud/updateMany-validation.json': ['UpdateMany requires atomic modifiers'],
    'crud/updateOne-validation.json': ['UpdateOne requires atomic modifiers']
  },
  'an `_id` that is null is created, as the `mongodb` driver does too': {
    'crud/create-null-ids.json': [
      'inserting _id with type null via insertOne',
      'inserting _id with type null via insertMany',
      'inserting _id with type null via bulkWrite'
    ]
  },
  'a pipeline of a database begins with `$documents`': {
    'crud/db-aggregate.json': ['Aggregate with $listLocalSessions', 'Aggregate with $listLocalSessions and allowDiskUse']
  },
  'an event has its document also where a collection keeps no images': {
    'change-streams/change-streams-pre_and_post_images.json': [
      'fullDocument:whenAvailable with changeStreamPreAndPostImages disabled',
      'fullDocument:required with changeStreamPreAndPostImages disabled'
    ]
  },
  'collections have no UUID': {
    'change-streams/change-streams-showExpandedEvents.json': [
      'when showExpandedEvents is true, new fields on change stream events are handled appropriately'
    ]
  }
}

const reasons = new Map(Object.entries(KNOWN).flatMap(([reason, files]) => {
  return Object.entries(files).flatMap(([file, tests]) => tests.map((test) => [`${file}: ${test}`, reason]))
}))

/** The reasons, which docs/specifications.md explains. */
export const REASONS = Object.keys(KNOWN)

/** Why a test fails; undefined when it should pass. */
export function reasonOf(place) {
  return reasons.get(place)
}

/** The tests of this list that are not among these. */
export function unusedOf(seen) {
  return [...reasons.keys()].filter((place) => !seen.has(place))
}
