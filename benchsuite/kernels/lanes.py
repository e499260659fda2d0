"""Eight poses at a time in code compiled by numba: values that hold a float64 of each, one in every vector lane.

A function written for one pose takes eight if it is given such values: arithmetic and comparisons run lane by lane,
and what would branch chooses. No lane knows of another, so a pose's numbers are the same in whatever company it comes.
``blocks`` says where such values come from. Only where numba is installed can this module be imported.
"""
# mypy: allow-untyped-defs, allow-incomplete-defs, allow-untyped-calls, allow-untyped-decorators
# mypy: disable-error-code="assignment, attr-defined, call-arg, comparison-overlap, index"
# What numba hands over has numba's types, and its annotations know no extensions.

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import partial
from inspect import Parameter, Signature
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.typeconv import Conversion
from numba.core.typing import signature
from numba.extending import intrinsic, lower_builtin, lower_cast, models, overload, register_model, type_callable

EIGHT = 8
INT32 = ir.IntType(32)
DOUBLES = ir.VectorType(ir.DoubleType(), EIGHT)
BITS = ir.VectorType(ir.IntType(1), EIGHT)


class Eight(types.Type):
    """Eight values; one of the type ``single`` turns into eight where it meets them."""

    single: type[types.Type]

    def can_convert_from(self, typingctx, other):
        return Conversion.safe if isinstance(other, self.single) else None

    def unify(self, typingctx, other):
        return self if isinstance(other, self.single) else None


class Lanes(Eight):
    """Eight float64."""

    single = types.Number


class Mask(Eight):
    """Eight truths."""

    single = types.Boolean


LANES, MASK = Lanes("Lanes"), Mask("Mask")


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager, kind):
        super().__init__(manager, kind, DOUBLES)


@register_model(Mask)
class _MaskModel(models.PrimitiveModel):
    def __init__(self, manager, kind):
        super().__init__(manager, kind, BITS)


def _in_all(builder, value, kind):
    nothing = ir.Constant(kind, ir.Undefined)
    first = builder.insert_element(nothing, value, INT32(0))
    return builder.shuffle_vector(first, nothing, indices([0] * EIGHT))


def indices(lanes: list[int]) -> ir.Constant:
    """Which lanes a shuffle takes; those of its second operand come after the first's."""
    return ir.Constant(ir.VectorType(INT32, EIGHT), lanes)


@lower_cast(types.Number, Lanes)
def _number_to_lanes(context, builder, kind, _, value):
    return _in_all(builder, context.cast(builder, value, kind, types.float64), DOUBLES)


@lower_cast(types.Boolean, Mask)
def _truth_to_mask(context, builder, kind, _, value):
    return _in_all(builder, builder.icmp_unsigned("!=", value, value.type(0)), BITS)


def known(
    operation: Callable[..., Any], result: types.Type, *kinds: Eight, emit: Callable[..., Any], of_singles: bool = False
) -> None:
    """Let numba compile ``operation`` of eights, and of singles among them.

    Args:
        operation: a function, one of Python's operators too.
        result: type of what it gives.
        kinds: types of what it takes.
        emit: writes it, given the builder and the values.
        of_singles: whether it gives that of nothing but singles too.
    """

    @type_callable(operation)
    def _(context):
        def typed(*given):
            fit = all(g == k or isinstance(g, k.single) for g, k in zip(given, kinds, strict=True))
            wanted = fit and (of_singles or any(isinstance(g, Eight) for g in given))
            return signature(result, *kinds) if wanted else None

        typed.__signature__ = Signature([Parameter(f"_{n}", Parameter.POSITIONAL_ONLY) for n in range(len(kinds))])
        return typed

    lower_builtin(operation, *kinds)(lambda context, builder, signature, args: emit(builder, *args))


def _llvm(name: str, builder, values):
    kind = ir.FunctionType(DOUBLES, [DOUBLES])
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, f"llvm.{name}.v{EIGHT}f64"), [values])


def _any(builder, values):
    eight_bits = ir.IntType(EIGHT)
    return builder.icmp_unsigned("!=", builder.bitcast(values, eight_bits), eight_bits(0))


for _operation, _name in zip(("add", "sub", "mul", "truediv"), ("fadd", "fsub", "fmul", "fdiv"), strict=True):
    _emit = partial(lambda name, builder, a, b: getattr(builder, name)(a, b), _name)
    known(getattr(operator, _operation), LANES, LANES, LANES, emit=_emit)
for _operation, _name in zip(("lt", "le", "gt", "ge", "eq"), ("<", "<=", ">", ">=", "=="), strict=True):
    _emit = partial(lambda name, builder, a, b: builder.fcmp_ordered(name, a, b), _name)
    known(getattr(operator, _operation), MASK, LANES, LANES, emit=_emit)
known(operator.ne, MASK, LANES, LANES, emit=lambda builder, a, b: builder.fcmp_unordered("!=", a, b))
known(operator.and_, MASK, MASK, MASK, emit=lambda builder, a, b: builder.and_(a, b))
known(operator.or_, MASK, MASK, MASK, emit=lambda builder, a, b: builder.or_(a, b))
known(operator.neg, LANES, LANES, emit=lambda builder, a: builder.fneg(a))
for _function, _name in ((abs, "fabs"), (np.floor, "floor"), (np.ceil, "ceil"), (np.sqrt, "sqrt")):
    known(_function, LANES, LANES, emit=partial(_llvm, _name))


def choices(choose: Callable[..., Any], some: Callable[..., Any]) -> None:
    """Let numba compile ``choose(condition, yes, no)``, lane by lane, and ``some(condition)``: whether any holds."""
    known(choose, LANES, MASK, LANES, LANES, emit=lambda builder, *given: builder.select(*given), of_singles=True)
    known(some, types.boolean, MASK, emit=_any, of_singles=True)


def one_by_one(function: Callable[..., Any]) -> None:
    """Let numba compile ``function`` of one float64, for which there is no vector instruction, of ``Lanes``."""

    @intrinsic
    def each(typingctx, values):
        def code(context, builder, signature, args):
            kind = context.typing_context.resolve_value_type(function)
            single = kind.get_call_type(context.typing_context, (types.float64,), {})
            call, found = context.get_function(kind, single), args[0]
            for k in map(INT32, range(EIGHT)):
                found = builder.insert_element(found, call(builder, [builder.extract_element(args[0], k)]), k)
            return found

        return LANES(values), code

    overload(function)(lambda values: (lambda values: each(values)) if values == LANES else None)


for _function in (np.sinh, np.arcsinh):
    one_by_one(_function)
