// A study as the server's DICOMweb tells it: its series, and of each series the frames in order.
// Every address is built here from UIDs on the page's own origin; nothing in the page's address names a server.
import { wadors } from "@cornerstonejs/dicom-image-loader";

export class Refused extends Error {
  constructor(status) {
    super(`status ${status}`);
    this.status = status;
  }
}

const seriesUrl = (study, series) =>
  `/dicom-web/studies/${encodeURIComponent(study)}/series` + (series ? `/${encodeURIComponent(series)}` : "");

async function ask(url, signal) {
  const answer = await fetch(url, {
    signal,
    credentials: "same-origin",
    headers: { Accept: "application/dicom+json" },
  });
  if (!answer.ok) throw new Refused(answer.status);
  return answer.status === 204 ? [] : answer.json();
}

const all = (dataset, tag) => dataset?.[tag]?.Value ?? [];
const first = (dataset, tag) => all(dataset, tag)[0];
const number = (dataset, tag) => (first(dataset, tag) === undefined ? undefined : Number(first(dataset, tag)));
const numbers = (dataset, tag) => all(dataset, tag).map(Number);

export async function listSeries(studyUid, signal) {
  const rows = await ask(`${seriesUrl(studyUid)}?limit=1000`, signal);
  const series = rows.map((row) => ({
    uid: first(row, "0020000E"),
    number: number(row, "00200011"),
    description: first(row, "0008103E") ?? "",
    modality: first(row, "00080060") ?? "",
    count: number(row, "00201209") ?? 0,
    thumbnail: `${seriesUrl(studyUid, first(row, "0020000E"))}/thumbnail`,
  }));
  return series.sort((a, b) => (a.number ?? Infinity) - (b.number ?? Infinity) || (a.uid < b.uid ? -1 : 1));
}

/** The frames of a series, ready for Cornerstone: [{imageId, header}] in viewing order; empty when it has no images. */
export async function openSeries(studyUid, seriesUid, signal) {
  const instances = await ask(`${seriesUrl(studyUid, seriesUid)}/metadata`, signal);
  const frames = inOrder(instances.filter(isImage).flatMap(framesOf));
  for (const frame of frames) {
    const instance = encodeURIComponent(first(frame.header, "00080018"));
    frame.imageId = `wadors:${seriesUrl(studyUid, seriesUid)}/instances/${instance}/frames/${frame.number}`;
    wadors.metaDataManager.add(frame.imageId, frame.header);
  }
  return { frames, objects: instances.filter((instance) => !isImage(instance)) };
}

// Rows and Columns make an image (PS3.3 C.7.6.3); one bit per pixel is a segmentation, drawn over others only.
const isImage = (instance) => number(instance, "00280010") > 0 && number(instance, "00280100") > 1;

/** Each frame gets a flat header of its own: functional groups (PS3.3 C.7.6.16) come to the top, palettes to numbers. */
function framesOf(instance) {
  const { "52009229": shared, "52009230": perFrame, "00280008": count, ...common } = instance;
  const base = { ...common, ...palettes(instance) };
  return Array.from({ length: number(instance, "00280008") || 1 }, (_, i) => ({
    number: i + 1,
    header: sound(Object.assign({}, base, ...groups(shared?.Value?.[0]), ...groups(perFrame?.Value?.[i]))),
  }));
}

const groups = (item) => Object.values(item ?? {}).map((group) => (group.vr === "SQ" ? group.Value?.[0] : null));

/** Palette tables (PS3.3 C.7.9) arrive as inline bytes, some as segments; Cornerstone wants their entries as numbers. */
function palettes(instance) {
  const tables = {};
  for (const colour of [1, 2, 3]) {
    const entries = numbers(instance, `0028110${colour}`)[0] || 65536;
    const plain = bytesOf(instance[`0028120${colour}`]);
    const segments = bytesOf(instance[`0028122${colour}`]);
    const table = plain ? (plain.length >= 2 * entries ? words(plain) : [...plain]) : segments && expand(words(segments));
    if (table) tables[`0028120${colour}`] = { vr: "US", Value: table.slice(0, entries) };
  }
  return tables;
}

const bytesOf = (element) =>
  element?.InlineBinary && Uint8Array.from(atob(element.InlineBinary), (character) => character.charCodeAt(0));

const words = (bytes) => Array.from({ length: bytes.length >> 1 }, (_, i) => bytes[2 * i] | (bytes[2 * i + 1] << 8));

/** Segmented palettes (PS3.3 C.7.9.2): 0 lists values, 1 draws a line to a value, 2 repeats segments from before. */
function expand(data, table = [], at = 0, count = Infinity) {
  for (; count > 0 && at + 1 < data.length; count -= 1) {
    const [opcode, length] = [data[at], data[at + 1]];
    if (opcode === 0) {
      for (let i = 0; i < length; i += 1) table.push(data[at + 2 + i]);
      at += 2 + length;
    } else if (opcode === 1) {
      const [from, to] = [table.at(-1) ?? 0, data[at + 2]];
      for (let i = 1; i <= length; i += 1) table.push(Math.round(from + ((to - from) * i) / length));
      at += 3;
    } else if (opcode === 2 && count === Infinity) {
      expand(data, table, (data[at + 2] + data[at + 3] * 65536) / 2, length);
      at += 4;
    } else return table;
  }
  return table;
}

/** Numbers that would mislead are taken for missing: no spacing rather than a false one. */
function sound(header) {
  const { "00280030": spacing, "00200037": orientation, ...rest } = header;
  const [row, column] = numbers(header, "00280030");
  const cosines = numbers(header, "00200037");
  const [along, down] = [cosines.slice(0, 3), cosines.slice(3)];
  const unit = (vector) => Math.abs(dot(vector, vector) - 1) < 0.02;
  if (row > 0 && column > 0) rest["00280030"] = spacing;
  if (cosines.length === 6 && unit(along) && unit(down) && Math.abs(dot(along, down)) < 0.02) rest["00200037"] = orientation;
  return rest;
}

/** What of a frame cannot be drawn, known from its header; null when nothing stands against it. */
export function undrawable(header) {
  const photometric = first(header, "00280004") ?? "";
  const bits = number(header, "00280100");
  const syntax = first(header, "00083002");
  const compressed = syntax === undefined ? first(header, "00282110") === "01" : !/^1\.2\.840\.10008\.1\.2(\.1|\.2|\.1\.99)?$/.test(syntax);
  const palette = photometric === "PALETTE COLOR";
  const colour = number(header, "00280002") > 1;
  const missing = palette && [1, 2, 3].some((table) => !all(header, `0028120${table}`).length);
  const packed = !compressed && /42[02]/.test(photometric);
  return missing || packed || (colour && bits !== 8) ? `${photometric} ${bits} bit` : null;
}

/** By position along the normal where the frames are one stack of parallel slices, else by instance number. */
function inOrder(frames) {
  const byNumber = (a, b) => (number(a.header, "00200013") ?? 0) - (number(b.header, "00200013") ?? 0) || a.number - b.number;
  frames.sort(byNumber);
  const normal = frames.length > 1 && normalOf(frames[0].header);
  if (!normal) return frames;
  const places = frames.map(({ header }) => {
    const other = normalOf(header);
    return other && dot(normal, other) > 0.99 ? positionOf(header) : NaN;
  });
  if (places.some(Number.isNaN) || new Set(places.map((place) => place.toFixed(3))).size < frames.length) return frames;
  const up = places.at(-1) >= places[0] ? 1 : -1; // keep the direction in which the scanner counted
  const order = frames.map((_, i) => i).sort((a, b) => up * (places[a] - places[b]));
  return order.map((i) => frames[i]);
}

const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

function normalOf(header) {
  const [a, b, c, d, e, f] = numbers(header, "00200037");
  return Number.isFinite(f) ? [b * f - c * e, c * d - a * f, a * e - b * d] : null;
}

function positionOf(header) {
  const place = numbers(header, "00200032");
  const normal = normalOf(header);
  return place.length === 3 && normal ? dot(place, normal) : NaN;
}

/** What the corners say of a frame: plain values, no words. */
export function factsOf(header) {
  return {
    name: personName(first(header, "00100010")),
    sex: first(header, "00100040") ?? "",
    age: ageOf(header),
    patientId: first(header, "00100020") ?? "",
    institution: first(header, "00080080") ?? "",
    taken: moment(header, "00080021", "00080031") || moment(header, "00080020", "00080030"),
    description: first(header, "0008103E") ?? "",
    modality: first(header, "00080060") ?? "",
    position: positionOf(header),
    oriented: normalOf(header) !== null,
    synthetic: ["00204000", "00104000"].some((tag) => /synthetic/i.test(first(header, tag) ?? "")),
    photometric: first(header, "00280004") ?? "",
    transferSyntax: first(header, "00083002") ?? "",
  };
}

/** 张三 out of the ideographic group (PS3.5 6.2.1), else SMITH, Jonathan. */
export function personName(name) {
  const han = /\p{Script=Han}/u;
  const chosen = name?.Ideographic || name?.Alphabetic || "";
  const [family = "", given = "", middle = ""] = chosen.split("^").map((part) => part.trim());
  if (name?.Ideographic || han.test(chosen)) return family + given + middle;
  return [family, [given, middle].filter(Boolean).join(" ")].filter(Boolean).join(", ");
}

/** At the time of the study: years from 2 on, then months, under a month days. */
function ageOf(header) {
  const told = /^0*(\d+)([DWMY])$/.exec(first(header, "00101010") ?? "");
  if (told) return told[2] === "W" ? { n: 7 * told[1], unit: "D" } : { n: Number(told[1]), unit: told[2] };
  const [born, then] = [day(first(header, "00100030")), day(first(header, "00080020"))];
  if (!born || !then || then < born) return null;
  const months = (then.getUTCFullYear() - born.getUTCFullYear()) * 12 + then.getUTCMonth() - born.getUTCMonth()
    - (then.getUTCDate() < born.getUTCDate() ? 1 : 0);
  if (months >= 24) return { n: Math.floor(months / 12), unit: "Y" };
  return months >= 1 ? { n: months, unit: "M" } : { n: Math.round((then - born) / 864e5), unit: "D" };
}

const day = (date) => {
  const [, y, m, d] = /^(\d{4})(\d{2})(\d{2})$/.exec(date ?? "") ?? [];
  return y ? new Date(Date.UTC(y, m - 1, d)) : null;
};

const moment = (header, dateTag, timeTag) => {
  const date = (first(header, dateTag) ?? "").replace(/^(\d{4})(\d{2})(\d{2})$/, "$1-$2-$3");
  const time = (first(header, timeTag) ?? "").replace(/^(\d{2})(\d{2}).*$/, "$1:$2");
  return date && `${date} ${time}`.trim();
};
