// Files, memory, the past that is kept, what recovery found, and a verification.

import { useState } from 'preact/hooks'

import { type Answer, call, type ServerError, useCall } from '../lib/server.js'
import { bytes, grouped, several } from '../lib/values.js'
import { Failure, Loaded } from '../parts/states.js'
import { Tree } from '../parts/tree.js'

export function Storage() {
  const found = useCall('storage', {})
  return (
    <div class="page">
      <h1>Storage</h1>
      <Loaded called={found}>{({ path, storage, stats, recovery, files }) => (
        <>
          <p class="bar"><code>{path}</code><button type="button" onClick={found.again}>Refresh</button></p>
          <dl class="figures">
            <Figure name="Documents" value={grouped(stats.documents)} />
            <Figure name="Data" value={bytes(stats.liveBytes)} />
            <Figure name="On disk" value={bytes(stats.bytesOnDisk)} />
            <Figure name="Garbage" value={storage === 'memory' ? 'none' : garbage(stats)} />
            <Figure name="Memory of documents" value={bytes(stats.hotBytes)} />
            <Figure name="Memory of indexes" value={bytes(stats.indexBytes)} />
            <Figure name="Last commit" value={grouped(stats.lastLsn)} />
            <Figure name="Durable commit" value={grouped(stats.durableLsn)} />
          </dl>
          <section>
            <h2>The past</h2>
            <dl class="facts">
              <dt>Log</dt><dd>{reach(stats.history?.log, 'none: the database is in memory')}</dd>
              <dt>Changes</dt><dd>{reach(stats.history?.changes, 'since the last compaction only')}</dd>
              <dt>Earlier states</dt><dd>{reach(stats.history?.past, 'since the last compaction only')}</dd>
              <dt>Checkpoint</dt><dd>{stats.checkpointBytes > 0 ? bytes(stats.checkpointBytes) : 'none; it is made when a large database is closed'}</dd>
              <dt>Encrypted</dt><dd>{stats.encrypted ? 'yes' : 'no'}</dd>
              <dt>Open cursors</dt><dd>{grouped(stats.views)}, which keep {bytes(stats.viewBytes)} of older versions</dd>
            </dl>
          </section>
          <Recovery recovery={recovery} />
          {stats.scrub && <section><h2>Scrub</h2><p>{several(stats.scrub.passes, 'pass').replace('passs', 'passes')} read everything; {several(stats.scrub.errors, 'damaged place')}.</p></section>}
          {storage !== 'memory' && <Verification />}
          {(files as Answer[]).length > 0 && (
            <section>
              <h2>Files</h2>
              <table class="list narrow"><thead><tr><th scope="col">Name</th><th scope="col">Kind</th><th scope="col">Bytes</th></tr></thead><tbody>
                {(files as { name: string; bytes: number | null }[]).map((file) => (
                  <tr key={file.name}><th scope="row">{file.name}</th><td>{kindOf(file.name)}</td><td class="amount">{file.bytes === null ? '' : grouped(file.bytes)}</td></tr>
                ))}
              </tbody></table>
            </section>
          )}
          <details class="raw"><summary>All statistics</summary><Tree value={stats} depth={2} /></details>
        </>
      )}</Loaded>
    </div>
  )
}

function Figure({ name, value }: { name: string; value: string }) {
  return <div><dt>{name}</dt><dd>{value}</dd></div>
}

/** The bytes on disk that are no document's newest version. */
function garbage({ bytesOnDisk, liveBytes }: Answer): string {
  const share = bytesOnDisk > 0 ? Math.max(0, 1 - liveBytes / bytesOnDisk) : 0
  return `about ${Math.round(share * 100)}%`
}

function reach(kept: Answer | null | undefined, otherwise: string): string {
  if (!kept) return otherwise
  const time = kept['time'] === null ? '' : `, ${new Date(kept['time'] as number).toISOString()}`
  return `from commit ${grouped(kept['from'] as number)}${time}${kept['bytes'] === undefined ? '' : `; ${bytes(kept['bytes'] as number)} are kept only for it`}`
}

function Recovery({ recovery }: { recovery: Answer }) {
  const { clean, created, framesReplayed, bytesCut, suspectTail, quarantine } = recovery
  const sentence = created ? 'The database was created by this opening.' : clean ? 'The database was closed cleanly before this opening.' : 'The database was not closed cleanly before this opening; everything acknowledged was recovered.'
  return (
    <section>
      <h2>Recovery</h2>
      <p>{sentence}</p>
      <dl class="facts">
        <dt>Commits replayed</dt><dd>{grouped(framesReplayed ?? 0)}</dd>
        <dt>Torn end of the log</dt><dd>{bytesCut > 0 ? `${several(bytesCut, 'byte')} were cut${quarantine ? ` and kept in ${String(quarantine)}` : ''}` : 'none'}</dd>
        {suspectTail && <><dt>Suspect tail</dt><dd>yes</dd></>}
      </dl>
    </section>
  )
}

/** Reads every byte when it is asked to. */
function Verification() {
  const [answer, setAnswer] = useState<Answer>()
  const [error, setError] = useState<ServerError>()
  const [isRunning, setRunning] = useState(false)

  async function run(): Promise<void> {
    setRunning(true)
    setError(undefined)
    try {
      setAnswer(await call('verify', {}))
    } catch (failed) {
      setError(failed as ServerError)
    }
    setRunning(false)
  }

  return (
    <section>
      <h2>Verification</h2>
      <p><button type="button" disabled={isRunning} onClick={run}>{isRunning ? 'Reading every byte' : 'Verify'}</button></p>
      {error && <Failure message={error.kind === 'LOCKED' ? 'The database is open for writing, so its files cannot be verified; back it up and verify the copy, or close it.' : error.message} />}
      {answer && (
        <>
          <p role="status" class={answer['ok'] ? 'good' : 'failure'}>{answer['ok'] ? `No damage; ${several(answer['documents'], 'document')} can be read.` : 'There is damage.'}</p>
          <table class="list narrow"><thead><tr><th scope="col">File</th><th scope="col">Kind</th><th scope="col">Bytes</th><th scope="col">State</th></tr></thead><tbody>
            {(answer['files'] as Answer[]).map(({ file, kind, bytes: size, firstDamage }) => (
              <tr key={file}><th scope="row">{file}</th><td>{kind}</td><td class="amount">{grouped(size)}</td><td>{firstDamage === null ? 'whole' : `damaged: ${JSON.stringify(firstDamage)}`}</td></tr>
            ))}
          </tbody></table>
        </>
      )}
    </section>
  )
}

function kindOf(name: string): string {
  if (name === 'MANIFEST') return 'manifest'
  if (name === 'LOCK' || name === 'OWNER') return 'lock'
  if (name.startsWith('seg-')) return 'segment of the log'
  if (name.startsWith('snap')) return 'snapshot'
  if (/^(?:run|checkpoint)/.test(name)) return 'checkpoint'
  return name.endsWith('/') ? 'folder' : ''
}
