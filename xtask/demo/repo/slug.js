// Makes a title fit for a URL.
export function slug(title) {
  return title.trim().toLowerCase();
}
