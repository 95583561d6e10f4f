// Copyright (c) 2026 The Tocsin Authors
// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;

using Antmicro.Renode.Core;

namespace Antmicro.Renode.Peripherals.Miscellaneous
{
    /// The registers of a Nordic peripheral: tasks from 0x000 on, events from 0x100 on, one register each, and from
    /// 0x200 on those that keep what is written. Three of these say which events interrupt (INTEN, INTENSET, INTENCLR):
    /// event number n lies at 0x100 + 4 n and is bit n of them.
    public class NordicRegisters
    {
        /// Task is called with the offset of a task that is started. Initial says what registers have after a reset that
        /// is not 0. In the register errors a bit that is written is cleared.
        public NordicRegisters(GPIO irq, Action<uint> triggered, Action<long> task,
            Dictionary<long, uint> initial = null, long errors = -1)
        {
            this.irq = irq;
            this.triggered = triggered;
            this.task = task;
            this.initial = initial ?? new Dictionary<long, uint>();
            this.errors = errors;
        }

        public void Reset()
        {
            Array.Clear(happened, 0, happened.Length);
            values.Clear();
            enabled = 0;
            Update();
        }

        /// As the processor reads it.
        public uint Read(long offset)
        {
            if(IsEvent(offset))
            {
                return happened[(offset - FirstEvent) / 4] ? 1u : 0u;
            }
            return offset >= Inten && offset <= Intenclr ? enabled : this[offset];
        }

        /// As the processor writes it.
        public void Write(long offset, uint value)
        {
            if(IsEvent(offset))
            {
                happened[(offset - FirstEvent) / 4] = value != 0;
                Update();
            }
            else if(offset >= Inten && offset <= Intenclr)
            {
                enabled = offset == Inten ? value : offset == Intenset ? enabled | value : enabled & ~value;
                Update();
            }
            else if(offset >= FirstValue)
            {
                this[offset] = offset == errors ? this[offset] & ~value : value;
            }
            else if(value != 0)
            {
                task(offset);
            }
        }

        /// What a register that keeps something has; as the peripheral sees it.
        public uint this[long offset]
        {
            get => values.TryGetValue(offset, out var value) || initial.TryGetValue(offset, out value) ? value : 0;
            set => values[offset] = value;
        }

        /// An event happens: it is noted, interrupts, and is told to the PPI.
        public void Happen(int number)
        {
            happened[number] = true;
            Update();
            triggered((uint)(FirstEvent + 4 * number));
        }

        private static bool IsEvent(long offset)
        {
            return offset >= FirstEvent && offset < FirstEvent + 4 * Count;
        }

        private void Update()
        {
            var wanted = false;
            for(var i = 0; i < Count; i++)
            {
                wanted |= happened[i] && (enabled & (1u << i)) != 0;
            }
            irq.Set(wanted);
        }

        private uint enabled;

        private readonly bool[] happened = new bool[Count];
        private readonly GPIO irq;
        private readonly Action<uint> triggered;
        private readonly Action<long> task;
        private readonly long errors;
        private readonly Dictionary<long, uint> initial;
        private readonly Dictionary<long, uint> values = new Dictionary<long, uint>();

        private const int Count = 32;
        private const long FirstEvent = 0x100, FirstValue = 0x200;
        private const long Inten = 0x300, Intenset = 0x304, Intenclr = 0x308;
    }
}
