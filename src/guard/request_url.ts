const urls = new WeakMap<Request, URL>();

/** The address of a request, taken apart once for all who look at it. It is not to be changed. */
export function urlOf(request: Request): URL {
  let url = urls.get(request);
  if (url === undefined) {
    url = new URL(request.url);
    urls.set(request, url);
  }
  return url;
}
