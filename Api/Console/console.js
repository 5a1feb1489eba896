// Keys for those who sit here all day, and numbers that follow what they count. Every page works without this file.
"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const one = (selector, root = document) => root.querySelector(selector);

  // What only this file can do is shown by it.
  for (const element of all(".needs-script")) element.hidden = false;

  // Menus: one is open at a time; Escape and a click elsewhere close it.
  const close = (but) => { for (const menu of all("details.menu[open]")) if (menu !== but) menu.open = false; };
  document.addEventListener("click", (event) => close(event.target.closest("details.menu")));
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && one("details.menu[open]");
    if (!menu) return;
    menu.open = false;
    one("summary", menu).focus();
  });

  // Rows: j and k move, x selects, Enter opens.
  const rows = () => all("main tbody tr");
  let at = -1;
  const go = (step) => {
    const list = rows();
    if (list.length === 0) return;
    list[at]?.classList.remove("at");
    at = Math.min(Math.max(at + step, 0), list.length - 1);
    const row = list[at];
    row.classList.add("at");
    row.scrollIntoView({ block: "nearest" });
    (one("th a", row) ?? one("a, input", row))?.focus({ preventScroll: true });
  };
  document.addEventListener("focusin", (event) => {
    const index = rows().indexOf(event.target.closest("tbody tr"));
    if (index < 0) return;
    rows()[at]?.classList.remove("at");
    at = index;
    rows()[at].classList.add("at");
  });

  // Selected rows are counted beside the button that takes them.
  const counted = () => {
    for (const out of all("[data-chosen]")) {
      const boxes = all("tbody .pick input");
      const count = boxes.filter((box) => box.checked).length;
      out.textContent = count === 0 ? "" : `${count} selected`;
    }
    for (const box of all("tbody .pick input")) box.closest("tr").classList.toggle("chosen", box.checked);
  };
  document.addEventListener("change", (event) => { if (event.target.matches(".pick input")) counted(); });
  counted();

  // Whoever speaks to the browser, or slips on keys, switches them off.
  const keys = one("#keys");
  const on = one("[data-keys-on]");
  try {
    if (on) on.checked = localStorage.getItem("keys") !== "off";
    on?.addEventListener("change", () => localStorage.setItem("keys", on.checked ? "on" : "off"));
  } catch {
    // A browser that keeps nothing: the switch is for this page.
  }
  for (const button of all("[data-keys]")) button.addEventListener("click", () => keys?.showModal());

  let leading = false;
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input:not([type=checkbox]), select, textarea, [contenteditable]");
    if (typing || event.ctrlKey || event.metaKey || event.altKey || keys?.open || !on?.checked) return;
    const done = (action) => { event.preventDefault(); action(); };
    if (leading) {
      leading = false;
      const link = all(".side a[data-go]").find((a) => a.dataset.go === event.key);
      if (link) done(() => { location.href = link.href; });
      return;
    }
    switch (event.key) {
      case "/": return done(() => one(".jump input")?.select());
      case "?": return done(() => keys?.showModal());
      case "g": leading = true; setTimeout(() => { leading = false; }, 1500); return;
      case "j": return done(() => go(1));
      case "k": return done(() => go(-1));
      case "e": return done(() => one(".head .actions :is(a, button, summary)")?.focus());
      case "x": {
        const box = rows()[at] && one(".pick input", rows()[at]);
        if (box) done(() => { box.checked = !box.checked; counted(); });
        return;
      }
      case "Enter": {
        // A link or a button that has the focus knows itself what to do.
        const link = rows()[at] && one("th a", rows()[at]);
        if (link && !event.target.closest("a, button, summary, input")) done(() => link.click());
      }
    }
  });

  // What counts something that goes on: those parts of the page are fetched anew when the server says that a number has changed. Lists
  // stay as they are: nothing jumps under the pointer.
  const live = one("[data-live]");
  if (live) {
    const soonest = 1000;
    const events = new EventSource(live.dataset.live);
    let asked = false;
    const refresh = async () => {
      asked = false;
      const answer = await fetch(location.href);
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of all("[data-part]")) {
        const now = one(`[data-part="${part.dataset.part}"]`, fresh);
        if (now && !part.contains(document.activeElement)) part.replaceChildren(...now.childNodes);
      }
    };
    const changed = () => {
      if (asked) return;
      asked = true;
      setTimeout(refresh, soonest);
    };
    events.addEventListener("counts", changed);
    events.addEventListener("complete", () => { events.close(); changed(); });
  }

  // A payload of many keys: a search among them, and only those that are set.
  for (const box of all("[data-find]")) {
    const section = box.closest("section");
    const only = one("[data-find-set]", section);
    const set = (element) => element.dataset.set !== undefined || all("input:not([type=hidden]):not([type=checkbox]), select, textarea", element).some((input) => input.value !== "")
      || all("input[type=checkbox]", element).some((input) => input.checked);
    const look = () => {
      const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const element of all(":scope > .fields > [data-key]", section)) {
        const inside = [element, ...all("[data-key]", element)].some((part) => words.every((word) => part.dataset.key.includes(word)));
        element.hidden = !inside || (only.checked && !set(element));
        if (inside && words.length > 0 && element.tagName === "DETAILS") element.open = true;
      }
    };
    box.addEventListener("input", look);
    box.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
    only.addEventListener("change", look);
  }

  // Passkeys: the browser asks the device, and the form takes what it says to the server.
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const descriptors = (list) => list?.map((one) => ({ ...one, id: bytes(one.id) }));
  const ask = {
    get: (options) => navigator.credentials.get({
      publicKey: { ...options, challenge: bytes(options.challenge), allowCredentials: descriptors(options.allowCredentials) },
    }),
    create: (options) => navigator.credentials.create({
      publicKey: { ...options, challenge: bytes(options.challenge), user: { ...options.user, id: bytes(options.user.id) }, excludeCredentials: descriptors(options.excludeCredentials) },
    }),
  };
  const sent = (credential) => {
    const response = { clientDataJSON: text(credential.response.clientDataJSON) };
    for (const part of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (credential.response[part]) response[part] = text(credential.response[part]);
    }
    response.transports = credential.response.getTransports?.();
    return JSON.stringify({
      id: credential.id, rawId: text(credential.rawId), type: credential.type, response,
      authenticatorAttachment: credential.authenticatorAttachment, clientExtensionResults: credential.getClientExtensionResults(),
    });
  };
  for (const form of all("form[data-passkey]")) {
    const wrong = one("[data-passkey-wrong]", form);
    // A passkey belongs to a name: where there is an address of digits only, or no TLS, no browser has them.
    const numeric = /^[\d.]+$|:/.test(location.hostname);
    if (!window.PublicKeyCredential || numeric) {
      if (form.dataset.passkey === "get") form.hidden = true;
      else wrong.textContent = numeric ? "Open the console by its name, and not by its IP address: a passkey belongs to a name." : "This browser has no passkeys here. Open the console by https.";
      for (const button of all("button", form)) button.disabled = true;
      continue;
    }
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      wrong.textContent = "";
      try {
        form.elements.credential.value = sent(await ask[form.dataset.passkey](JSON.parse(form.dataset.options)));
        form.submit();
      } catch (problem) {
        wrong.textContent = problem.name === "InvalidStateError" ? "This device has a passkey for your account already." : "The device gave no passkey. Try again, or use your password.";
      }
    });
  }

  // Copies an id.
  for (const button of all("[data-copy]")) {
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = "Copied";
    });
  }
})();
