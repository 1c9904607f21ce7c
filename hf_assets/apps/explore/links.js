// A plain click on a link within the pages shows it without loading everything again: Streamlit
// follows the browser's history. With a modifier, or without scripts, it is a link as any other.
(() => {
  if (window.hfLinks) return
  window.hfLinks = true
  let moved = false
  document.addEventListener("click", event => {
    const link = event.target.closest?.("a[data-here]")
    if (!link || link.origin !== location.origin || event.defaultPrevented || event.button) return
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    event.preventDefault()
    moved = true
    history.pushState({}, "", link.href)
    dispatchEvent(new PopStateEvent("popstate"))
    document.querySelector("[data-testid=stMain]")?.scrollTo(0, 0)
  })
  // When the other page is there, whoever listens hears its heading.
  new MutationObserver(() => {
    const app = document.querySelector("[data-test-script-state]")
    if (!moved || app?.dataset.testScriptState !== "notRunning") return
    moved = false
    document.getElementById("content")?.focus({ preventScroll: true })
  }).observe(document.body, { subtree: true, attributeFilter: ["data-test-script-state"] })
})()
