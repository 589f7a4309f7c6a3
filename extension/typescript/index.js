/**
 * Plugin of the TypeScript server: where a file imports `stepscope` and no package of that name is
 * installed, its types are those that the extension carries. It trains without an install, too.
 */
"use strict";

const { existsSync, realpathSync } = require("node:fs");
const { join } = require("node:path");

const PACKAGE = "stepscope";

/** Where the types lie: beside this plugin in a package, or in the repository. */
const TYPES = ["../../dist/types/index.d.ts"].map(path => join(realpathSync(__dirname), path));

module.exports = ({ typescript }) => ({
  create({ languageService, languageServiceHost: host }) {
    const types = TYPES.find(existsSync);
    const resolve = host.resolveModuleNameLiterals?.bind(host);
    if (!types || !resolve) return languageService;
    host.resolveModuleNameLiterals = (literals, file, ...rest) =>
      resolve(literals, file, ...rest).map((resolution, i) => {
        if (resolution.resolvedModule || literals[i].text !== PACKAGE) return resolution;
        return {
          ...resolution,
          resolvedModule: {
            resolvedFileName: types,
            extension: typescript.Extension.Dts,
            isExternalLibraryImport: true,
          },
        };
      });
    return languageService;
  },
});
