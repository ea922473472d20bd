// Small helps on pages that work without them: words on busy buttons, copies in one tap, failures said aloud.
(() => {
  "use strict";
  const BUSY = "Un momento…";
  const FAILURES = {
    connection: "No pudimos conectar. Revise su conexión y vuelva a intentarlo.",
    slow: "La respuesta tardó demasiado. Cargue la página de nuevo para ver si el cambio se hizo antes de repetirlo.",
    403: "No se hizo ningún cambio: la página venció o no tiene permiso. Cárguela de nuevo.",
    404: "Lo que pidió no está aquí. Cargue la página de nuevo.",
    429: "Hubo muchos pedidos seguidos. Espere un minuto y vuelva a intentarlo.",
    other: "Algo falló de nuestro lado. Cargue la página de nuevo y vuelva a intentarlo.",
  };
  const ICON = "M12 4l9 16H3zM12 10v4.5M12 17.3h.01";

  document.documentElement.classList.add("js");

  // ---- Announcements. The sentence is set as text: whatever it says, it is never markup. ----

  function announce(sentence) {
    const place = document.getElementById("avisos");
    if (!place) return;
    const icon = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    icon.setAttribute("class", "icon");
    icon.setAttribute("viewBox", "0 0 24 24");
    icon.setAttribute("aria-hidden", "true");
    icon.append(document.createElementNS("http://www.w3.org/2000/svg", "path"));
    icon.firstChild.setAttribute("d", ICON);
    const text = document.createElement("p");
    text.textContent = sentence;
    const box = document.createElement("div");
    box.className = "notice bad";
    box.dataset.failure = "";
    box.setAttribute("role", "alert");
    box.append(icon, text);
    silence();
    place.append(box);
    box.scrollIntoView({ block: "nearest" });
  }

  const silence = () => document.querySelectorAll("[data-failure]").forEach((box) => box.remove());

  // ---- Busy buttons. Only the words change: a disabled button would not be sent with its form. ----

  const words = new WeakMap();

  function busy(button) {
    if (!button || words.has(button)) return;
    words.set(button, [...button.childNodes]);
    button.replaceChildren(BUSY);
    button.setAttribute("aria-disabled", "true");
  }

  function ready(button) {
    if (!button || !words.has(button)) return;
    button.replaceChildren(...words.get(button));
    button.removeAttribute("aria-disabled");
    words.delete(button);
  }

  const readyAll = (within) => within.querySelectorAll("[aria-disabled=true]").forEach(ready);
  const isPost = (form) => form.getAttribute("method")?.toLowerCase() === "post";
  const isBusy = (form) => [...form.querySelectorAll("button")].some((button) => words.has(button));

  // On the way down, so that a second click is stopped before htmx sees it.
  document.addEventListener("submit", (event) => {
    if (isPost(event.target) && isBusy(event.target)) {
      event.preventDefault();
      event.stopImmediatePropagation();
    }
  }, true);

  document.addEventListener("submit", (event) => {
    if (isPost(event.target)) busy(event.submitter ?? event.target.querySelector("button:not([type=button])"));
  });

  // A page that comes back from the browser's memory, or whose answer never came, must not stay busy.
  window.addEventListener("pageshow", () => readyAll(document));
  document.addEventListener("submit", (event) => setTimeout(() => readyAll(event.target), 15000));

  // ---- Copies ----

  async function copy(button) {
    const source = button.previousElementSibling;
    try {
      await navigator.clipboard.writeText(source.textContent.trim());
      button.lastChild.textContent = "Copiado";
    } catch {
      getSelection().selectAllChildren(source);
      button.lastChild.textContent = "Seleccionado: cópielo";
    }
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest(".copy");
    if (button) copy(button);
  });

  // ---- htmx ----

  const on = (name, act) => document.addEventListener(`htmx:${name}`, act);
  on("beforeRequest", (event) => {
    silence();
    if (event.target.matches("button")) busy(event.target);
  });
  on("afterRequest", (event) => {
    ready(event.target);
    // Only its own form: a page that polls must not free a payment that is on its way.
    const form = event.target.closest("form");
    if (form) readyAll(form);
  });
  on("sendError", () => announce(FAILURES.connection));
  on("timeout", () => announce(FAILURES.slow));
  on("swapError", () => announce(FAILURES.other));
  on("responseError", (event) => announce(FAILURES[event.detail.xhr.status] ?? FAILURES.other));
  on("afterSettle", (event) => {
    const summary = document.getElementById("errores");
    if (summary && event.target.contains(summary)) summary.focus();
  });
})();
