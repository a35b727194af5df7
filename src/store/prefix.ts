/** Deletes objects by prefix, page by page. Objects written meanwhile may be missed: whoever needs all asks again. */

const PAGE = 1_000;

export interface Deleted {
  readonly deleted: number;
  /** Whether none was left when it was looked at last. */
  readonly empty: boolean;
}

/** @param prefix ends with a slash, so that no other name begins with it */
export async function deleteBelow(bucket: R2Bucket, prefix: string, most: number): Promise<Deleted> {
  let deleted = 0;
  while (deleted < most) {
    const page = await bucket.list({ prefix, limit: Math.min(PAGE, most - deleted) });
    if (page.objects.length === 0) return { deleted, empty: true };
    await bucket.delete(page.objects.map((object) => object.key));
    deleted += page.objects.length;
    if (!page.truncated) return { deleted, empty: true };
  }
  return { deleted, empty: false };
}
