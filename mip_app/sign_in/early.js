import { restore } from "./kept.js";

restore();
