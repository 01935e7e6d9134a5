// The host's side of a program: what `run`, `test` and the initialisation of data and parameters do, as plain data. Every number it needs has been computed by a procedure into a
// variable before it is read; the host only calls, reads, decides and writes files.

/** A string with run-time holes: text, or the (scalar or array) value of a variable. `shape` and `kind` say how it is shown; without them, by its length and as reals. */
export type TextPart =
  | { readonly text: string }
  | {
      readonly variable: string;
      readonly digits?: number;
      readonly shape?: readonly number[];
      readonly kind?: ShownKind;
    };

/** What numbers mean. Complex ones are pairs: the last axis of the shape is 2, the real part first. */
export type ShownKind = 'real' | 'int' | 'bool' | 'complex';

/** Line and column (from 1) of a statement, for messages at run time. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly source: string;
}

/** A named array result with what a picture or file wants to know about it. */
export interface OutputValue {
  readonly label: string;
  readonly variable: string;
  readonly shape: readonly number[];
  readonly kind: ShownKind;
  /** For a field on a grid: one axis for each of the last axes of `shape`. */
  readonly axes?: readonly {
    readonly name: string;
    readonly from: number;
    readonly to: number;
    /** Its unknowns are points, the ends among them, not the middles of cells. */
    readonly nodes?: true;
    readonly periodic?: true;
  }[];
}

export interface Script {
  /** Run-time inputs (`input nu: real = 0.01`): variable name and default. */
  readonly inputs: readonly {
    readonly name: string;
    readonly variable: string;
    readonly value: number;
    /** Takes whole numbers only. */
    readonly integer?: boolean;
  }[];
  /** Files to load before anything runs: contents go to `variable`. Shapes were read at compile time and are checked again. */
  readonly files: readonly {
    readonly path: string;
    readonly column?: string;
    readonly variable: string;
    readonly shape: readonly number[];
    readonly place?: Place;
  }[];
  /** Variable that receives the seed words (u32[2]), when the program draws. */
  readonly seed?: string;
  /** Executed once before any run: data, parameters, states. */
  readonly setup: readonly ScriptStatement[];
  readonly runs: Readonly<Record<string, readonly ScriptStatement[]>>;
  readonly tests: readonly {
    readonly name: string;
    readonly body: readonly ScriptStatement[];
    readonly place?: Place;
  }[];
  /** Trainable parameters, for packages and summaries. */
  readonly params: readonly OutputValue[];
  /** What a run changes and reads again later: with the setup and the place in the script, all that is needed to go on (checkpoints). */
  readonly kept: readonly OutputValue[];
  /** What procedures check while they run. */
  readonly checks?: readonly CheckPlan[];
}

/** A place that checks something: its message, in which a number stands for what is shown there. */
export interface CheckSite {
  readonly parts: readonly (string | number)[];
  readonly place: Place;
  readonly cure?: string;
  /** R214 when absent. */
  readonly code?: string;
  /** The run goes on, and is told of it once a place. */
  readonly warns?: true;
}

/**
 * `variable` (real [size]) holds for every site at its `offset` 1 when it has failed since it was last 0, of one that warns how often it has (some element in some turn), then the numbers shown with
 * the first failure.
 */
export interface CheckPlan {
  readonly procedure: string;
  readonly variable: string;
  readonly size: number;
  readonly sites: readonly (CheckSite & {
    readonly offset: number;
    /** Of an ensemble: what a member is called, and where its number stands; outermost first. */
    readonly members?: readonly { readonly word: string; readonly offset: number }[];
  })[];
}

/** Values shown every `every` iterations: `procedure` computes them into the variables of the entries (scalars). */
export interface LogPlan {
  readonly every: number;
  readonly procedure: string;
  readonly entries: readonly { readonly label: string; readonly variable: string }[];
}

/** `keep best`: `look` keeps the parameters when the measure is lower than ever, `restore` puts them back. `value` (real scalar) is the lowest so far. */
export interface KeepPlan {
  readonly label: string;
  readonly every: number;
  readonly start: string;
  readonly look: string;
  readonly restore: string;
  readonly value: string;
}

export type ScriptStatement =
  | {
      readonly kind: 'call';
      readonly procedure: string;
      /** Holds for the statements behind it, up to the next call: they show what it computes. */
      readonly diagnose?: Diagnosis;
      readonly place?: Place;
    }
  | MinimizeStatement
  | {
      readonly kind: 'print';
      readonly procedure?: string;
      readonly parts: readonly TextPart[];
      readonly place?: Place;
      readonly diagnose?: Diagnosis;
    }
  | {
      readonly kind: 'assert';
      readonly procedure?: string;
      readonly condition: string;
      readonly message: readonly TextPart[];
      /** The two sides of a failed comparison, to be shown. */
      readonly values: readonly { readonly label: string; readonly variable: string }[];
      readonly place: Place;
      readonly diagnose?: Diagnosis;
    }
  | {
      readonly kind: 'save';
      readonly procedure?: string;
      readonly path: readonly TextPart[];
      readonly entries: readonly OutputValue[];
      readonly place: Place;
      readonly diagnose?: Diagnosis;
    }
  | {
      readonly kind: 'plot';
      readonly procedure?: string;
      readonly path: readonly TextPart[];
      /** `heat`, `line`, `scatter`, `histogram`, `quiver`, or `auto`. */
      readonly style: string;
      /** `vector`: the first axis of y are the components of a vector field. */
      readonly series: readonly {
        readonly x?: OutputValue;
        readonly y: OutputValue;
        readonly vector?: true;
      }[];
      /** The first axis of every array are the frames of a moving picture. */
      readonly animated?: boolean;
      readonly place: Place;
      readonly diagnose?: Diagnosis;
    }
  | CheckGradientStatement
  | {
      readonly kind: 'loop';
      readonly variable: string;
      readonly from: number;
      /** Where it ends (exclusive), or the variable (i32 scalar) that says so when the loop begins. */
      readonly to: number | { readonly variable: string };
      readonly body: readonly ScriptStatement[];
    }
  | {
      readonly kind: 'branch';
      /** Computes the condition, unless a statement before has. */
      readonly procedure?: string;
      readonly condition: string;
      readonly then: readonly ScriptStatement[];
      readonly else: readonly ScriptStatement[];
    };

export interface MinimizeStatement {
  readonly kind: 'minimize';
  readonly label: string;
  /** Sets the optimiser's memory, the iteration counter (i32 scalar variable `iteration`) and `done` to their start. */
  readonly start: string;
  /** One iteration; changes nothing once `done` (u32 scalar) is 1. */
  readonly step: string;
  readonly steps: number;
  readonly iteration: string;
  readonly done: string;
  /** True when `stop when` can set `done`: the host looks at it after every batch of iterations. */
  readonly stops: boolean;
  /** The objective, for the progress line and the report of the end (computed before the first and after the last iteration, and with every log). */
  readonly objective: { readonly label: string; readonly procedure: string; readonly variable: string };
  readonly logs: readonly LogPlan[];
  readonly every: readonly { readonly interval: number; readonly body: readonly ScriptStatement[] }[];
  /** Parameters trained here: written to a checkpoint when interrupted. */
  readonly params: readonly OutputValue[];
  readonly checkpoints: readonly { readonly path: readonly TextPart[]; readonly every: number }[];
  readonly keep?: KeepPlan;
  readonly place: Place;
  readonly diagnose?: Diagnosis;
}

/**
 * Taylor and dot-product test of a loss over parameters. `value` computes the loss at p + h*v into `loss` with h read from variable `h`; `slope` computes the directional
 * derivative by reverse mode (`reverse`) and by forward mode (`forward`).
 */
export interface CheckGradientStatement {
  readonly kind: 'check_gradient';
  readonly label: string;
  readonly value: string;
  readonly h: string;
  readonly loss: string;
  readonly slope: string;
  readonly reverse: string;
  readonly forward: string;
  /**
   * The step h at which p + h*v differs from p by about p itself, so that the host picks steps: real[2] of the largest |p| and |v|; or a scalar, where v is already on the scale of the
   * parameters: steps then start near 1, or near the scalar when that is smaller (0: unknown).
   */
  readonly scale: string;
  readonly place: Place;
}

/** When a result is not finite: procedures that find out where it began, one a solve. */
export interface Diagnosis {
  readonly solves: readonly {
    readonly model: string;
    readonly procedure: string;
    /** i32 scalar: index (from 0) of the first step after which a state is not finite, -1 if none. One variable a state. */
    readonly states: readonly {
      readonly name: string;
      readonly firstBadStep: string;
      /** Real scalar: its value (of an array the largest absolute value, `largest`) before the first step after which any state is not finite. */
      readonly before?: string;
      readonly largest?: boolean;
    }[];
    readonly startTime: string;
    /** The length of the first step. */
    readonly stepSize: string;
    /** The end of the first step after which a state is not finite; that of equal steps when absent. */
    readonly time?: string;
    /** Estimated largest stable step (real scalar variable; 0 when unknown). */
    readonly stableStep: string;
    readonly place: Place;
    /**
     * One of many solves: the numbers above are those of the member that is lost first. `index` (i32 scalar) is its number, row-major over `axes`, outermost first; `lost` how many are. An axis
     * with `only` is written out member by member, and this is one of them.
     */
    readonly members?: {
      readonly axes: readonly { readonly word: string; readonly count: number; readonly only?: number }[];
      readonly index: string;
      readonly lost: string;
    };
  }[];
}
