/**
 * Finds the adapter that tensors live on: the machine's GPU, else the software adapter
 * (SwiftShader) that comes with the package on Linux.
 */
import { existsSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { AdapterRecord } from "../protocol/run.ts";
import { nativePackage } from "./nativePackage.ts";

/** One thing that was tried, and how it went, for `stepscope doctor` and for error messages. */
export interface AdapterAttempt {
  readonly what: string;
  readonly outcome: string;
}

export interface AdapterSearch {
  readonly adapter: GPUAdapter | undefined;
  readonly record: AdapterRecord | undefined;
  readonly attempts: readonly AdapterAttempt[];
}

/**
 * `STEPSCOPE_ADAPTER=gpu` forbids the software adapter, `software` asks for it; with `none`, as in the
 * workers of a data loader, nothing is opened.
 */
export const ADAPTER_VARIABLE = "STEPSCOPE_ADAPTER";

/**
 * Kernels clear the workgroup memory that they need cleared: Dawn's own clearing makes SwiftShader
 * compile a kernel for seconds. On NVIDIA with Vulkan Dawn hides float16, because of tests that fail there
 * (crbug.com/42251215): our kernels do nothing with it but load and store. Dawn rounds times to 65 µs, for
 * the sake of pages that nobody trusts: a phase of a small step takes less.
 */
const DAWN_TOGGLES = [
  "enable-dawn-features=disable_workgroup_init,vulkan_enable_f16_on_nvidia",
  "disable-dawn-features=timestamp_quantization",
];

/** RTLD_NODELETE: Node closes a library that is no addon at once; this keeps it loaded. */
const RTLD_NODELETE = 0x1000;

/**
 * Tries the machine's GPU, then the software adapter. Never throws: an empty `adapter` comes with
 * the reasons in `attempts`.
 */
export async function findAdapter(): Promise<AdapterSearch> {
  const attempts: AdapterAttempt[] = [];
  const wanted = process.env[ADAPTER_VARIABLE];
  if (wanted !== "software") {
    const found = await tryMachine(attempts);
    if (found) return { ...found, attempts };
  }
  if (wanted !== "gpu") {
    const found = await trySoftware(attempts);
    if (found) return { ...found, attempts };
  }
  return { adapter: undefined, record: undefined, attempts };
}

/** Says what was tried and what to do, for a machine on which no adapter was found. */
export function noAdapterMessage(attempts: readonly AdapterAttempt[]): string {
  const tried = attempts.map(({ what, outcome }) => `  - ${what}: ${outcome}`).join("\n");
  return (
    `No WebGPU adapter was found. Tried:\n${tried}\n` +
    "Install a Vulkan driver (on Debian and Ubuntu: mesa-vulkan-drivers, or your GPU vendor's " +
    "package), or, on a machine without a GPU, use the Linux x64 package of stepscope, which " +
    "carries a software adapter. `stepscope doctor` shows this list again."
  );
}

type Found = { adapter: GPUAdapter; record: AdapterRecord };

async function tryMachine(attempts: AdapterAttempt[]): Promise<Found | undefined> {
  const what = `the machine's GPU (${backendName()})`;
  const missing = process.platform === "linux" ? loadLibrary("libvulkan.so.1") : undefined;
  if (missing) {
    attempts.push({ what, outcome: `no Vulkan loader (${missing})` });
    return undefined;
  }
  return request(what, attempts);
}

async function trySoftware(attempts: AdapterAttempt[]): Promise<Found | undefined> {
  const what = "the software adapter (SwiftShader)";
  if (process.platform !== "linux") {
    attempts.push({ what, outcome: `not available on ${process.platform}` });
    return undefined;
  }
  const folder = softwareFolder();
  if (!folder) {
    attempts.push({ what, outcome: `not in this package (${process.platform}-${process.arch})` });
    return undefined;
  }
  // The loader reads the variable when Dawn makes its instance, so it may be set in the process.
  process.env.VK_ICD_FILENAMES = join(folder, "vk_swiftshader_icd.json");
  const missing = loadLibrary("libvulkan.so.1") && loadLibrary(join(folder, "libvulkan.so.1"));
  if (missing) {
    attempts.push({ what, outcome: `cannot be loaded (${missing})` });
    return undefined;
  }
  return request(what, attempts);
}

/**
 * Folder of the SwiftShader files: in the package that npm installs for the platform, or `dist/swiftshader`,
 * seen from dist/ or from the sources.
 */
function softwareFolder(): string | undefined {
  const native = nativeEntry();
  const installed = native && join(dirname(fileURLToPath(native)), "dist", "swiftshader");
  if (installed && existsSync(installed)) return installed;
  let folder = dirname(fileURLToPath(import.meta.url));
  for (let up = 0; up < 4; up++, folder = dirname(folder)) {
    for (const place of [join(folder, "swiftshader"), join(folder, "dist", "swiftshader")]) {
      if (existsSync(join(place, "vk_swiftshader_icd.json"))) return place;
    }
  }
  return undefined;
}

/**
 * Loads a shared library so that Dawn's own `dlopen` finds it by name; it must not be asked for in
 * vain, because Dawn then prints a warning. Returns why it failed, if it did.
 */
function loadLibrary(path: string): string | undefined {
  try {
    process.dlopen({ exports: {} }, path, constants.dlopen.RTLD_NOW | RTLD_NODELETE);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    // A library that loaded but is no addon ends here too, and that is what we want.
    if (!message.includes("did not self-register")) return message.split("\n")[0];
  }
  return undefined;
}

/** Loads Dawn, with the names that WebGPU gives to a global scope. */
export async function loadDawn() {
  const { create, globals }: typeof import("webgpu") = await import(nativeEntry() ?? "webgpu");
  Object.assign(globalThis, globals);
  return { create };
}

/** Address of the package of the platform; undefined where the whole of `webgpu` is there instead. */
function nativeEntry(): string | undefined {
  try {
    return import.meta.resolve(nativePackage(process.platform, process.arch));
  } catch {
    return undefined;
  }
}

async function request(what: string, attempts: AdapterAttempt[]): Promise<Found | undefined> {
  try {
    const { create } = await loadDawn();
    instance = create(DAWN_TOGGLES);
    const adapter = await instance.requestAdapter({ powerPreference: "high-performance" });
    if (!adapter) {
      attempts.push({ what, outcome: "no adapter offered" });
      return undefined;
    }
    const record = adapterRecord(adapter);
    attempts.push({ what, outcome: `found ${record.description || record.vendor}` });
    return { adapter, record };
  } catch (error) {
    attempts.push({ what, outcome: error instanceof Error ? error.message : String(error) });
    return undefined;
  }
}

/** Dawn's instance must outlive every object made from it. */
let instance: GPU | undefined;

function adapterRecord(adapter: GPUAdapter): AdapterRecord {
  const { vendor, architecture, description, device } = adapter.info;
  const text = `${vendor} ${architecture} ${description} ${device}`.toLowerCase();
  const software =
    adapter.info.isFallbackAdapter || /swiftshader|llvmpipe|lavapipe|warp/.test(text);
  return { vendor, architecture, description: description || device, software };
}

function backendName(): string {
  if (process.platform === "darwin") return "Metal";
  return process.platform === "win32" ? "Direct3D 12" : "Vulkan";
}
