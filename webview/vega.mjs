/**
 * Vega with what Vega-Lite can compile to, in the place of the package `vega`: no chart has its layouts
 * of trees, forces, words and labels, nor the cross-filter.
 */
import { transforms } from "vega-dataflow";
import * as encode from "vega-encode";
import * as geo from "vega-geo";
import * as regression from "vega-regression";
import * as data from "vega-transforms";
import * as view from "vega-view-transforms";
import * as voronoi from "vega-voronoi";

Object.assign(transforms, data, view, encode, geo, regression, voronoi);

export { changeset } from "vega-dataflow";
export { parse } from "vega-parser";
export { scheme } from "vega-scale";
export { View } from "vega-view";
