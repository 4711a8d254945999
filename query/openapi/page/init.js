// Shows the document. A request that a browser's session makes needs its token beside the cookie, which is asked for
// once; a key given under Authorize counts before the session.
"use strict";

let token;

async function sessionToken() {
  if (token === undefined) {
    const reply = await fetch("v1/session");
    token = reply.ok ? (await reply.json()).csrf_token : null;
  }
  return token;
}

window.SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  validatorUrl: null,
  defaultModelsExpandDepth: -1,
  docExpansion: "none",
  tryItOutEnabled: false,
  async requestInterceptor(request) {
    if (request.method && request.method !== "GET" && !request.headers.Authorization) {
      const shown = await sessionToken();
      if (shown) {
        request.headers["X-CSRF-Token"] = shown;
      }
    }
    return request;
  },
});
