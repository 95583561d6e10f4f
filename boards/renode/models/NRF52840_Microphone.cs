// Copyright (c) 2026 The Tocsin Authors
// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;

using Antmicro.Renode.Core;
using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals.Bus;
using Antmicro.Renode.Peripherals.Miscellaneous;
using Antmicro.Renode.Peripherals.Sensors;
using Antmicro.Renode.Peripherals.Timers;
using Antmicro.Renode.Time;

namespace Antmicro.Renode.Peripherals.Sound
{
    /// The PDM interface of the nRF52840 with a microphone at it that hears a file.
    ///
    /// Renode's own goes on writing to memory after it was stopped, and forgets its file at a reset. This one stops,
    /// starts again where the file was, and takes as long for a buffer as the chip's clock and ratio say.
    public class NRF52840_Microphone : IDoubleWordPeripheral, IKnownSize, INRFEventProvider
    {
        /// `rate` is what recordings must have, Hz. The chip's clock comes near to it, as the driver asks.
        public NRF52840_Microphone(IMachine machine, uint rate = 16000)
        {
            input = new SamplesFile("microphone", path => SamplesFile.Sound(path, rate));
            sysbus = machine.GetSystemBus(this);
            IRQ = new GPIO();
            registers = new NordicRegisters(IRQ, offset => EventTriggered?.Invoke(offset), Task);
            clock = new LimitTimer(machine.ClockSource, 16000, this, "sample clock", 160, Direction.Ascending,
                workMode: WorkMode.Periodic, eventEnabled: true);
            clock.LimitReached += Filled;
        }

        /// What it hears from now on: see SamplesFile.Sound. At its end it begins again, which the log tells once.
        public void SetInputFile(string path)
        {
            input.Load(path, Strict);
            told = false;
        }

        /// Whether a first file that cannot be heard ends the simulation with exit status 2.
        public bool Strict { get; set; }

        /// Samples of the file until its end.
        public int Left => input.Left / 2;

        public GPIO IRQ { get; }

        public long Size => 0x1000;

        public event Action<uint> EventTriggered;

        public void Reset()
        {
            registers.Reset();
            clock.Reset();
        }

        public uint ReadDoubleWord(long offset)
        {
            return registers.Read(offset);
        }

        public void WriteDoubleWord(long offset, uint value)
        {
            registers.Write(offset, value);
        }

        private void Task(long offset)
        {
            if(offset == Start)
            {
                clock.Frequency = SampleRate;
                Fill();
            }
            else if(offset == Stop)
            {
                clock.Enabled = false;
                registers.Happen(End);
                registers.Happen(Stopped);
            }
        }

        /// The next buffer begins to fill.
        private void Fill()
        {
            buffer = registers[Pointer];
            samples = registers[Maximum];
            if(samples == 0 || registers[Enable] == 0)
            {
                this.Log(LogLevel.Error, "Started without a buffer, or before it was enabled");
                return;
            }
            clock.Limit = Math.Max(samples / Channels, 1u);
            clock.Enabled = true;
            registers.Happen(Started);
        }

        private void Filled()
        {
            // Without a file, digital silence: a microphone that is not there.
            var bytes = new byte[2 * samples];
            input.Next(bytes, out var again);
            if(again && !told)
            {
                told = true;
                this.Log(LogLevel.Warning, "{0} has ended and is heard again from its beginning", input.Name);
            }
            sysbus.WriteBytes(bytes, buffer);
            registers.Happen(End);
            Fill();
        }

        private uint Channels => (registers[Mode] & Mono) != 0 ? 1u : 2u;

        /// 32 MHz by what PDMCLKCTRL stands for (product specification, table of PDMCLKCTRL), by the ratio.
        private ulong SampleRate
        {
            get
            {
                var divider = Dividers.TryGetValue(registers[ClockControl], out var known) ? known : 31UL;
                return 32000000UL / divider / (registers[Ratio] == 1 ? 80UL : 64UL);
            }
        }

        private uint buffer;
        private uint samples;

        private readonly IBusController sysbus;
        private readonly NordicRegisters registers;
        private readonly LimitTimer clock;
        private readonly SamplesFile input;
        private bool told;

        private static readonly Dictionary<uint, ulong> Dividers = new Dictionary<uint, ulong>
        {
            { 0x08000000, 32 }, { 0x08400000, 31 }, { 0x08800000, 30 }, { 0x09800000, 26 }, { 0x0A000000, 25 },
            { 0x0A800000, 24 }
        };

        // Tasks
        private const long Start = 0x000, Stop = 0x004;
        // Events
        private const int Started = 0, Stopped = 1, End = 2;
        // Registers
        private const long Enable = 0x500, ClockControl = 0x504, Mode = 0x508, Ratio = 0x520,
            Pointer = 0x560, Maximum = 0x564;
        private const uint Mono = 1;
    }
}
