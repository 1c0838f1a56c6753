// A model on its way from one page to another, in the browser's own store: no server sees it.

const STORE = "gleaner";
const KEY = "model";

const settled = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

async function store(mode, task) {
  const request = indexedDB.open(STORE, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE);
  const database = await settled(request);
  try {
    const transaction = database.transaction(STORE, mode);
    const written = new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onerror = () => reject(transaction.error);
      transaction.onabort = () => reject(transaction.error);
    });
    const result = await settled(task(transaction.objectStore(STORE)));
    await written;
    return result;
  } finally {
    database.close();
  }
}

// Lays a model aside: { name, title, known, bytes }, of which `known` is what its card says. What lay there before is gone.
export const put = (model) => store("readwrite", (models) => models.put(model, KEY));

// What lies there; undefined if nothing does, or the browser keeps nothing for this page.
export async function take() {
  try {
    return await store("readonly", (models) => models.get(KEY));
  } catch {
    return undefined;
  }
}
