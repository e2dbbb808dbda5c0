// A canvas as sharp as the screen, in the colours of the page, with a plot and its axes in it.

const FONT_PX = 12;
const MARGIN = { left: 46, right: 10, top: 8, bottom: 20 };

export class Surface {
  // onResize draws again what the canvas loses when its size or the page's colours change.
  constructor(canvas, onResize) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    new ResizeObserver(() => {
      this.fit();
      onResize();
    }).observe(canvas);
    new MutationObserver(onResize).observe(document.documentElement, {
      attributeFilter: ["data-theme"],
    });
    this.fit();
  }

  fit() {
    const { clientWidth, clientHeight } = this.canvas;
    const scale = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(clientWidth * scale);
    this.canvas.height = Math.round(clientHeight * scale);
    this.context.setTransform(scale, 0, 0, scale, 0, 0);
  }

  // An empty plot; x and y are the values at its edges.
  plot({ x, y, bottom = MARGIN.bottom }) {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    this.context.clearRect(0, 0, width, height);
    const box = {
      left: MARGIN.left,
      top: MARGIN.top,
      width: Math.max(1, width - MARGIN.left - MARGIN.right),
      height: Math.max(1, height - MARGIN.top - bottom),
    };
    return new Plot(this.context, box, x, y, getComputedStyle(this.canvas).color);
  }
}

class Plot {
  constructor(context, box, x, y, colour) {
    Object.assign(this, { context, box, colour, xEdges: x, yEdges: y });
    context.font = `${FONT_PX}px system-ui, sans-serif`;
    context.lineJoin = "round";
  }

  x(value) {
    const [low, high] = this.xEdges;
    return this.box.left + (this.box.width * (value - low)) / (high - low);
  }

  y(value) {
    const [low, high] = this.yEdges;
    return this.box.top + this.box.height * (1 - (value - low) / (high - low));
  }

  // Ticks of the vertical axis: values and their words; title stands at the top.
  leftAxis(ticks, title = "") {
    const { context, box } = this;
    context.fillStyle = this.colour;
    context.strokeStyle = this.colour;
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const [value, words] of ticks) {
      context.globalAlpha = 0.15;
      this.line([[this.xEdges[0], value], [this.xEdges[1], value]], 1);
      context.globalAlpha = 1;
      context.fillText(words, box.left - 6, this.y(value));
    }
    if (title) {
      context.textAlign = "left";
      context.textBaseline = "top";
      context.fillText(title, box.left + 4, box.top + 2);
    }
  }

  bottomAxis(ticks) {
    const { context, box } = this;
    context.fillStyle = this.colour;
    context.textBaseline = "top";
    ticks.forEach(([value, words], i) => {
      context.textAlign = i === ticks.length - 1 ? "right" : i ? "center" : "left";
      context.fillText(words, this.x(value), box.top + box.height + 5);
    });
  }

  line(points, width, colour = this.colour, dashes = []) {
    const { context } = this;
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.setLineDash(dashes);
    context.beginPath();
    points.forEach(([x, y], i) => context[i ? "lineTo" : "moveTo"](this.x(x), this.y(y)));
    context.stroke();
    context.setLineDash([]);
  }

  // A band between lowest and highest values: rows of [x, low, high].
  band(rows, colour) {
    const { context } = this;
    context.fillStyle = colour;
    context.strokeStyle = colour;
    context.lineWidth = 0.8;
    context.beginPath();
    rows.forEach(([x, , high], i) => context[i ? "lineTo" : "moveTo"](this.x(x), this.y(high)));
    for (const [x, low] of rows.slice().reverse()) context.lineTo(this.x(x), this.y(low));
    context.closePath();
    context.fill();
    context.stroke();
  }

  // A picture of columns by time, values from the bottom up, over the whole plot or from x on.
  picture(columns, colourOf, from = this.xEdges[0], to = this.xEdges[1]) {
    if (!columns.length) return;
    const rows = columns[0].length;
    const image = new ImageData(columns.length, rows);
    columns.forEach((column, i) => {
      for (let row = 0; row < rows; ++row)
        image.data.set(colourOf(column[row]), 4 * ((rows - 1 - row) * columns.length + i));
    });
    const small = document.createElement("canvas");
    [small.width, small.height] = [columns.length, rows];
    small.getContext("2d").putImageData(image, 0, 0);
    const { context, box } = this;
    context.imageSmoothingEnabled = false;
    const left = this.x(from);
    context.drawImage(small, left, box.top, this.x(to) - left, box.height);
  }

  // A vertical line with a word at its top.
  mark(x, words, colour) {
    const { context, box } = this;
    const place = this.x(x);
    this.line([[x, this.yEdges[0]], [x, this.yEdges[1]]], 2, colour);
    if (!words) return;
    context.font = `bold ${FONT_PX + 1}px system-ui, sans-serif`;
    context.textBaseline = "top";
    const right = place + 6 + context.measureText(words).width > box.left + box.width;
    context.textAlign = right ? "right" : "left";
    context.fillStyle = this.colour;
    context.fillText(words, place + (right ? -5 : 5), box.top + 2);
    context.font = `${FONT_PX}px system-ui, sans-serif`;
  }
}
