// The page is complete without this: it adds a filter for names and the zoom of the timeline.
(function () {
  const tools = document.createElement("div");
  tools.className = "tools";
  const filter = document.createElement("input");
  filter.type = "search";
  filter.placeholder = "Filter by name or state";
  filter.setAttribute("aria-label", filter.placeholder);
  tools.append(filter);
  document.querySelector("main").prepend(tools);
  filter.addEventListener("input", function () {
    const wanted = filter.value.toLowerCase();
    for (const row of document.querySelectorAll("[data-name]")) {
      row.hidden = !row.dataset.name.toLowerCase().includes(wanted);
    }
  });
  const chart = document.querySelector(".timeline .scroll svg");
  if (!chart) return;
  let zoom = 1;
  for (const [label, title, factor] of [["+", "Zoom in", 2], ["−", "Zoom out", 0.5]]) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = label;
    button.title = title;
    button.addEventListener("click", function () {
      zoom = Math.min(64, Math.max(1, zoom * factor));
      chart.style.width = zoom * 100 + "%";
    });
    tools.append(button);
  }
})();
