// What is measured, in the order of the table. Each work has a name for --works, a row title and a unit; `better` is the
// better direction, `part` the file of works/ that measures it.

const more = (name, title, unit, part) => ({ name, title, unit, better: 'more', part })
const less = (name, title, unit, part) => ({ name, title, unit, better: 'less', part })

export const WORKS = [
  more('load', 'load, batches of 1,000, two indexes', 'documents/s', 'common'),
  less('memory', 'memory after load', 'bytes/document', 'common'),
  more('get', 'get, awaited one by one', 'gets/s', 'common'),
  more('get-concurrent', '10,000 concurrent gets', 'gets/s', 'common'),
  more('get-sync', 'get, synchronous', 'gets/s', 'common'),
  more('get-many', 'get 1,000 ids at once', 'documents/s', 'common'),
  more('find-indexed', 'indexed equality, 1 % of the rows as objects', 'documents/s', 'common'),
  less('range', 'indexed range, sort, limit 20', 'ms', 'common'),
  less('range-sync', 'the same, synchronous', 'ms', 'common'),
  less('scan', 'scan without index, 1 % returned', 'ms', 'common'),
  less('count', 'count without index', 'ms', 'common'),
  less('count-indexed', 'count of an indexed range', 'ms', 'common'),
  less('group', 'group by city, average', 'ms', 'common'),
  less('distinct', 'distinct of an indexed field', 'ms', 'common'),
  less('index-build', 'build of one more index', 'ms', 'common'),
  more('update', 'update by id ($inc of an indexed field), awaited one by one', 'updates/s', 'common'),
  more('update-concurrent', 'the same, 64 at a time', 'updates/s', 'common'),
  more('update-ids', 'update of 1,000 ids at once', 'updates/s', 'common'),
  less('update-many', 'update of 10 % by a filter', 'ms', 'common'),
  more('delete', 'delete by id, awaited one by one', 'deletes/s', 'common'),
  less('disk', 'bytes on disk after close', 'bytes/document', 'common'),
  less('reopen', 'reopen to first get', 'ms', 'common'),
  less('reopen-indexed', 'reopen to first indexed find', 'ms', 'common'),
  less('disk-updates', 'bytes on disk after two updates of each', 'bytes/document', 'growth'),
  less('disk-compacted', 'bytes on disk after compaction', 'bytes/document', 'growth'),
  more('durable', 'durable insert, one by one', 'inserts/s', 'durable'),
  more('durable-concurrent', 'durable insert, 64 concurrent', 'inserts/s', 'durable'),
  more('update-sync', 'update by id, synchronous', 'updates/s', 'transactions'),
  more('transaction-1', 'transaction that reads and updates 1 document', 'updates/s', 'transactions'),
  more('transaction-10', 'the same, 10 documents', 'updates/s', 'transactions'),
  more('transaction-1000', 'the same, 1,000 documents', 'updates/s', 'transactions'),
  more('transaction-concurrent', 'the same, 10 documents, 64 at a time', 'updates/s', 'transactions'),
  more('transaction-sync-1', 'synchronous transaction, 1 document', 'updates/s', 'transactions'),
  more('transaction-sync-10', 'the same, 10 documents', 'updates/s', 'transactions'),
  more('transaction-sync-1000', 'the same, 1,000 documents', 'updates/s', 'transactions'),
  more('transaction-read', 'transaction that reads 100 documents', 'gets/s', 'transactions'),
  less('start', 'require, open, insert, get, close, over bare Node', 'ms', 'start'),
  less('delay', 'event loop delay, p99, under 8 queries of everything', 'ms', 'delay')
]
