"""Charts of the built site, brought alive as by a reader who scrolls to each."""

# Chart by chart, and again until it is there: what comes alive above moves what is below, and
# a busy browser sees nothing of what is scrolled past.
SCROLLED_TO_IS_ALIVE = """(i) => {
  const chart = document.querySelectorAll(".kws-chart")[i];
  chart.scrollIntoView({ behavior: "instant" });
  return chart.dataset.state === "interactive" && chart.vegaView;
}"""


def bring_alive(page):
    for i in range(page.locator(".kws-chart").count()):
        page.wait_for_function(SCROLLED_TO_IS_ALIVE, arg=i, polling=100)
