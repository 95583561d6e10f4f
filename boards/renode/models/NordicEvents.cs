// Copyright (c) 2026 The Tocsin Authors
// SPDX-License-Identifier: Apache-2.0

using System;

using Antmicro.Renode.Core;

namespace Antmicro.Renode.Peripherals.Miscellaneous
{
    /// The events of a Nordic peripheral, one register each from 0x100 on, and the three registers that say which of
    /// them interrupt (INTEN, INTENSET, INTENCLR). Event number n lies at 0x100 + 4 n and is bit n of those.
    public class NordicEvents
    {
        public NordicEvents(GPIO irq, Action<uint> triggered)
        {
            this.irq = irq;
            this.triggered = triggered;
        }

        public void Reset()
        {
            Array.Clear(happened, 0, happened.Length);
            enabled = 0;
            Update();
        }

        /// Whether the register is one of these; then it has been read.
        public bool TryRead(long offset, out uint value)
        {
            value = 0;
            if(IsEvent(offset))
            {
                value = happened[(offset - FirstEvent) / 4] ? 1u : 0u;
                return true;
            }
            if(offset >= Inten && offset <= Intenclr)
            {
                value = enabled;
                return true;
            }
            return false;
        }

        /// Whether the register is one of these; then it has been written.
        public bool TryWrite(long offset, uint value)
        {
            if(IsEvent(offset))
            {
                happened[(offset - FirstEvent) / 4] = value != 0;
            }
            else if(offset == Inten)
            {
                enabled = value;
            }
            else if(offset == Intenset)
            {
                enabled |= value;
            }
            else if(offset == Intenclr)
            {
                enabled &= ~value;
            }
            else
            {
                return false;
            }
            Update();
            return true;
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

        private const int Count = 32;
        private const long FirstEvent = 0x100;
        private const long Inten = 0x300;
        private const long Intenset = 0x304;
        private const long Intenclr = 0x308;
    }
}
