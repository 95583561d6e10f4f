// Copyright (c) 2026 The Tocsin Authors
// SPDX-License-Identifier: Apache-2.0

using System;

using Antmicro.Renode.Core;
using Antmicro.Renode.Time;

namespace Antmicro.Renode.Peripherals.Miscellaneous
{
    /// What happens after some time, unless it is called off.
    public class Later
    {
        public Later(IMachine machine)
        {
            this.machine = machine;
        }

        /// The time of so many bits on a wire that carries bitRate of them a second.
        public void After(ulong bits, uint bitRate, Action action)
        {
            var began = generation;
            machine.ScheduleAction(TimeInterval.FromNanoseconds(bits * 1000000000UL / bitRate), _ =>
            {
                if(began == generation)
                {
                    action();
                }
            });
        }

        /// All that has not happened yet.
        public void CallOff()
        {
            generation++;
        }

        private int generation;

        private readonly IMachine machine;
    }
}
