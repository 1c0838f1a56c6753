// Runs something in the page's worker before its program is loaded.

export const inWorker = (page, script) =>
  page.route("**/js/worker.js*", async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: `${script}\n${await response.text()}` });
  });
