import { database } from '../db'

export const dynamic = 'force-dynamic'

export default async function Page() {
  const visits = (await database()).collection('visits')
  const { count } = await visits.findOneAndUpdate({ _id: 'page' }, { $inc: { count: 1 } }, { upsert: true, returnDocument: 'after' })
  return <p>visit {count}</p>
}
