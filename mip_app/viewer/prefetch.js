// Loads the frames most likely to be looked at next, a few at a time: around the current one, then outward.
import { cache, imageLoader, Enums, getShouldUseCPURendering } from "@cornerstonejs/core";

const AT_ONCE = 6;

export class Prefetch {
  /** `told(imageId, error)` hears of each frame that cannot be had; an error with a status came from the server. */
  constructor(told) {
    this.told = told;
    this.running = 0;
    this.follow([]);
  }

  follow(imageIds, index = 0) {
    this.imageIds = imageIds;
    this.index = index;
    this.waiting = new Set(imageIds.keys());
    this.fill();
  }

  around(index) {
    this.index = index;
  }

  stop() {
    this.waiting.clear();
  }

  fill() {
    while (this.running < AT_ONCE && this.waiting.size && !nearlyFull()) this.load(this.nearest());
  }

  async load(index) {
    const imageId = this.imageIds[index];
    this.waiting.delete(index);
    if (cache.isLoaded(imageId)) return;
    this.running += 1;
    try {
      await imageLoader.loadAndCacheImage(imageId, loadOptions());
    } catch (error) {
      this.told(imageId, error);
    }
    this.running -= 1;
    this.fill();
  }

  nearest() {
    for (let away = 0; ; away += 1)
      for (const index of [this.index + away, this.index - away]) if (this.waiting.has(index)) return index;
  }
}

// Past this the cache would throw out frames of the same series to make room for others of it.
const nearlyFull = () => cache.getCacheSize() > 0.9 * cache.getMaxCacheSize();

// As StackViewport asks for them: the CPU draws RGBA, the GPU takes RGB.
const loadOptions = () => ({
  useRGBA: getShouldUseCPURendering(),
  requestType: Enums.RequestType.Prefetch,
  priority: 0,
});
