// Flag values fixed by the WebGPU specification. Browsers have them as globals, Node does not.

export const BufferUsage = {
  mapRead: 0x0001,
  copySource: 0x0004,
  copyTarget: 0x0008,
  uniform: 0x0040,
  storage: 0x0080,
} as const;

export const ShaderStage = { compute: 0x4 } as const;

export const MapMode = { read: 0x1 } as const;
