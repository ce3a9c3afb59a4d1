import { database } from '../../db'

export async function GET() {
  return Response.json(await (await database()).collection('visits').find().toArray())
}
