"""ES modules made into classic scripts."""

import re

import pytest

from kwslib.live.scripts import MODULES, bundle, page_script

A = """import { two as zwei } from "./b.js";
export const one = 1;
export function sum() {
  return one + zwei;
}
"""
B = "export const two = 2;\nexport async function later() {}\nexport class Thing {}\n"


def test_a_module_is_a_function_of_those_it_imports():
    script = bundle("a", "kws", {"a": A, "b": B})
    assert script.index("const $b = ") < script.index("const $a = ")
    assert "const { two: zwei } = $b;" in script
    assert "return { two, later, Thing };" in script
    assert "globalThis.kws = $a;" in script
    assert not re.search(r"^\s*(import|export)\b", script, re.MULTILINE)


def test_a_module_that_two_import_stands_once():
    made = {"a": 'import { two } from "./b.js";\nimport { one } from "./c.js";\n', "b": B}
    made["c"] = 'import { two } from "./b.js";\nexport const one = two - 1;\n'
    assert bundle("a", made=made).count("const $b = ") == 1


@pytest.mark.parametrize("line", ['import x from "./b.js";', "export default 1;", "export { a };"])
def test_what_is_not_understood_is_refused(line):
    with pytest.raises(ValueError, match=r"a\.js: cannot be bundled: (import|export)"):
        bundle("a", made={"a": f"{line}\n"})


def test_a_circle_is_refused():
    circle = {"a": 'import { b } from "./b.js";\n', "b": 'import { a } from "./a.js";\n'}
    with pytest.raises(ValueError, match="a imports b imports a"):
        bundle("a", made=circle)


def test_every_module_has_a_head_and_is_in_the_page():
    script = page_script()
    for path in MODULES.glob("*.js"):
        assert path.read_text(encoding="utf-8").startswith("// ")
        assert f"const ${path.stem} = " in script
