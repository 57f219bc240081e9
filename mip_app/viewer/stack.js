// Cornerstone3D, as far as this viewer needs it: one stack of frames in one element, its tools and its facts.
import {
  cache,
  Enums,
  eventTarget,
  imageLoader,
  init as initCore,
  RenderingEngine,
  setUseCPURendering,
  utilities,
} from "@cornerstonejs/core";
import { init as initLoader, wadors } from "@cornerstonejs/dicom-image-loader";
import {
  addTool,
  Enums as ToolEnums,
  init as initTools,
  PanTool,
  StackScrollTool,
  ToolGroupManager,
  WindowLevelTool,
  ZoomTool,
} from "@cornerstonejs/tools";
import { undrawable } from "./dicomweb.js";

const { Events } = Enums;
const { MouseBindings } = ToolEnums;
const { toLowHighRange, toWindowLevel } = utilities.windowLevel;

const MEGABYTE = 2 ** 20;
const TOOLS = { window: WindowLevelTool, zoom: ZoomTool, pan: PanTool, scroll: StackScrollTool };
// Besides the chosen tool, which has the left button or one finger.
const ALWAYS = {
  window: [],
  zoom: [{ mouseButton: MouseBindings.Secondary }, { numTouchPoints: 2 }],
  pan: [{ mouseButton: MouseBindings.Auxiliary }],
  scroll: [{ mouseButton: MouseBindings.Wheel }],
};

/** Width and centre in Hounsfield units; `auto` is what the file says, else the image's own range. */
export const PRESETS = {
  lung: [1500, -600],
  mediastinum: [400, 40],
  bone: [2000, 500],
  brain: [80, 40],
  abdomen: [350, 50],
};

let started;
export const start = () => (started ??= begin());

async function begin() {
  await initCore({ rendering: { webGlContextCount: 1 } });
  initLoader({
    maxWebWorkers: Math.max(1, Math.min(4, (navigator.hardwareConcurrency || 2) - 1)),
    beforeSend: async (xhr, imageId) => void inFlight.set(imageId, xhr),
    onloadend: (_, { imageId }) => inFlight.delete(imageId),
  });
  imageLoader.registerImageLoader("wadors", load);
  initTools();
  Object.values(TOOLS).forEach(addTool);
  // A phone reloads the page when a tab takes too much.
  cache.setMaxCacheSize((matchMedia("(pointer: coarse)").matches ? 256 : 1024) * MEGABYTE);
  eventTarget.addEventListener(Events.WEBGL_CONTEXT_LOST, drawByCpu);
}

/** The loader's own, between two checks: it hangs on what it does not know, and draws what is too short. */
function load(imageId, options) {
  const format = undrawable(wadors.metaDataManager.get(imageId));
  if (format) return { promise: Promise.reject(Object.assign(new Error("pixel format"), { format })) };
  const { promise, ...rest } = wadors.loadImage(imageId, options);
  return { ...rest, promise: promise.then(complete) };
}

function complete(image) {
  const { rows, columns, numberOfComponents } = image;
  if (image.getPixelData().length === rows * columns * numberOfComponents) return image;
  throw new Error("the pixels are not as many as the header says");
}

const inFlight = new Map();

export function abortLoading() {
  for (const request of [...inFlight.values()]) request.abort();
}

const contextLosses = new Set();

/** `then` is called once the graphics card has gone and drawing by CPU is set up; show the stack again. */
export const onContextLost = (then) => {
  contextLosses.add(then);
  return () => contextLosses.delete(then);
};

function drawByCpu() {
  setUseCPURendering(true, false);
  cache.purgeCache(); // the two ways of drawing keep colour images differently
  contextLosses.forEach((then) => then());
}

export class Stack {
  /** `told(facts)` hears at most once a frame what is on the screen; `failed(imageId, error)` of what cannot be. */
  constructor(id, element, told, failed) {
    this.id = id;
    this.element = element;
    this.imageIds = [];
    this.engine = new RenderingEngine(id);
    this.engine.enableElement({ viewportId: id, type: Enums.ViewportType.STACK, element });
    this.viewport = this.engine.getViewport(id);
    this.tools = ToolGroupManager.createToolGroup(id);
    Object.values(TOOLS).forEach((tool) => this.tools.addTool(tool.toolName));
    this.tools.addViewport(id, id);
    this.listen(told, failed);
  }

  listen(told, failed) {
    let asked = 0;
    const tell = () => (asked ||= requestAnimationFrame(() => ((asked = 0), this.imageIds.length && told(this.facts()))));
    const fail = ({ detail }) => this.imageIds.includes(detail.imageId) && failed(detail.imageId, detail.error);
    const { STACK_NEW_IMAGE, STACK_VIEWPORT_SCROLL, VOI_MODIFIED, CAMERA_MODIFIED, IMAGE_RENDERED } = Events;
    const events = [STACK_NEW_IMAGE, STACK_VIEWPORT_SCROLL, VOI_MODIFIED, CAMERA_MODIFIED, IMAGE_RENDERED];
    events.forEach((event) => this.element.addEventListener(event, tell));
    eventTarget.addEventListener(Events.IMAGE_LOAD_ERROR, fail);
    const resized = new ResizeObserver(() => this.engine.resize(true, true));
    resized.observe(this.element);
    this.destroy = () => {
      cancelAnimationFrame(asked);
      resized.disconnect();
      events.forEach((event) => this.element.removeEventListener(event, tell));
      eventTarget.removeEventListener(Events.IMAGE_LOAD_ERROR, fail);
      ToolGroupManager.destroyToolGroup(this.id);
      this.engine.destroy();
    };
  }

  async show(imageIds, index) {
    this.imageIds = imageIds;
    await this.viewport.setStack(imageIds, index);
    this.viewport.render();
  }

  get wanted() {
    return this.viewport.getTargetImageIdIndex();
  }

  scrollTo(index) {
    this.viewport.scroll(Math.max(0, Math.min(this.imageIds.length - 1, index)) - this.wanted);
  }

  choose(tool) {
    for (const [name, { toolName }] of Object.entries(TOOLS)) {
      const bindings = [...ALWAYS[name], ...(name === tool ? [{ mouseButton: MouseBindings.Primary }] : [])];
      this.tools.setToolPassive(toolName, { removeAllBindings: true });
      if (bindings.length) this.tools.setToolActive(toolName, { bindings });
    }
  }

  /** Applies a preset to every frame, or with `auto` to each its own window. */
  window(preset, inverted, photometric) {
    const image = this.viewport.getCornerstoneImage();
    if (!image) return;
    const own = () => toLowHighRange(image.windowWidth, image.windowCenter, image.voiLUTFunction);
    const range = PRESETS[preset] ? toLowHighRange(...PRESETS[preset]) : preset === "auto" && own();
    if (range && !image.color) this.viewport.setProperties({ voiRange: range });
    // Cornerstone's own resetProperties() leaves MONOCHROME1 the wrong way round, so its mark is taken off here.
    if (preset === "auto") this.viewport.voiUpdatedWithSetProperties = false;
    this.viewport.setProperties({ invert: inverted !== (photometric === "MONOCHROME1") });
    this.viewport.render();
  }

  reset() {
    this.viewport.resetCamera();
    this.viewport.render();
  }

  facts() {
    const image = this.viewport.getCornerstoneImage();
    const range = this.viewport.getProperties().voiRange;
    return {
      imageIds: this.imageIds,
      shown: image ? this.imageIds.indexOf(image.imageId) : -1,
      wanted: this.wanted,
      window: image && !image.color && range ? toWindowLevel(range.lower, range.upper) : null,
      zoom: image ? this.zoom(image) : null,
      sides: image ? this.sides() : null,
    };
  }

  /** Where a point of the shown image [column, row], pixel centres at whole numbers, stands in the element, in CSS pixels. */
  toElement(point, image = this.viewport.getCornerstoneImage()) {
    return this.viewport.worldToCanvas(utilities.imageToWorldCoords(image.imageId, point));
  }

  /** CSS pixels for one image pixel. */
  zoom(image) {
    const [a, b] = [this.toElement([0, 0], image), this.toElement([image.columns, 0], image)];
    return Math.hypot(b[0] - a[0], b[1] - a[1]) / image.columns;
  }

  /** The patient's sides at the edges of the element (PS3.3 C.7.6.1.1.1): L, PF, … */
  sides() {
    const { clientWidth: width, clientHeight: height } = this.element;
    const towards = (x, y) => {
      const from = this.viewport.canvasToWorld([width / 2, height / 2]);
      return letters(this.viewport.canvasToWorld([width / 2 + x, height / 2 + y]).map((value, i) => value - from[i]));
    };
    return { left: towards(-99, 0), right: towards(99, 0), top: towards(0, -99), bottom: towards(0, 99) };
  }
}

function letters(direction) {
  const length = Math.hypot(...direction) || 1;
  return direction
    .map((value, axis) => ({ share: Math.abs(value) / length, letter: ["RL", "AP", "FH"][axis][value > 0 ? 1 : 0] }))
    .filter(({ share }) => share > 0.2)
    .sort((a, b) => b.share - a.share)
    .map(({ letter }) => letter)
    .join("");
}

/** For tests: what was decoded, before windowing. */
export async function pixelsOf(stack) {
  const image = stack.viewport.getCornerstoneImage();
  const data = image.getPixelData();
  let [min, max, sum] = [Infinity, -Infinity, 0];
  for (const value of data) [min, max, sum] = [Math.min(min, value), Math.max(max, value), sum + value];
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const digest = crypto.subtle && new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const sha256 = digest && Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const { columns, rows, color, imageId } = image;
  return { imageId, columns, rows, color, type: data.constructor.name, min, max, mean: sum / data.length, sha256 };
}
