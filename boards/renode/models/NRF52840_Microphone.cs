// Copyright (c) 2026 The Tocsin Authors
// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;
using System.IO;
using System.Text;

using Antmicro.Renode.Core;
using Antmicro.Renode.Exceptions;
using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals.Bus;
using Antmicro.Renode.Peripherals.Miscellaneous;
using Antmicro.Renode.Peripherals.Timers;
using Antmicro.Renode.Time;
using Antmicro.Renode.Utilities;

namespace Antmicro.Renode.Peripherals.Sound
{
    /// The PDM interface of the nRF52840 with a microphone at it that hears a file.
    ///
    /// Renode's own goes on writing to memory after it was stopped, and forgets its file at a reset. This one stops,
    /// starts again where the file was, and takes as long for a buffer as the chip's clock and ratio say.
    public class NRF52840_Microphone : IDoubleWordPeripheral, IKnownSize, INRFEventProvider
    {
        public NRF52840_Microphone(IMachine machine)
        {
            sysbus = machine.GetSystemBus(this);
            IRQ = new GPIO();
            registers = new NordicRegisters(IRQ, offset => EventTriggered?.Invoke(offset), Task);
            clock = new LimitTimer(machine.ClockSource, 16000, this, "sample clock", 160, Direction.Ascending,
                workMode: WorkMode.Periodic, eventEnabled: true);
            clock.LimitReached += Filled;
        }

        /// What it hears from now on: int16 samples, little-endian, the channels one after the other, bare or as a
        /// WAV file. At its end there is digital silence, as from a microphone that is not there.
        public void SetInputFile(ReadFilePath path)
        {
            var bytes = File.ReadAllBytes(path);
            var begin = SamplesOf(bytes, out var end);
            if((end - begin) % 2 != 0)
            {
                throw new RecoverableException(string.Format("{0}: {1} bytes are not int16 samples", path, bytes.Length));
            }
            lock(input)
            {
                input.Clear();
                for(var at = begin; at < end; at++)
                {
                    input.Enqueue(bytes[at]);
                }
            }
        }

        /// Samples of the file that have not been heard yet.
        public int Left
        {
            get
            {
                lock(input)
                {
                    return input.Count / 2;
                }
            }
        }

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
            var bytes = new byte[2 * samples];
            lock(input)
            {
                for(var i = 0; i < bytes.Length && input.Count > 0; i++)
                {
                    bytes[i] = input.Dequeue();
                }
            }
            sysbus.WriteBytes(bytes, buffer);
            registers.Happen(End);
            Fill();
        }

        /// Where the samples lie: in the chunk "data" of a WAV file, else everywhere.
        private static int SamplesOf(byte[] bytes, out int end)
        {
            end = bytes.Length;
            if(bytes.Length < 12 || Encoding.ASCII.GetString(bytes, 0, 4) != "RIFF")
            {
                return 0;
            }
            for(var at = 12; at + 8 <= bytes.Length;)
            {
                var size = (int)Math.Min(BitConverter.ToUInt32(bytes, at + 4), (uint)(bytes.Length - at - 8));
                if(Encoding.ASCII.GetString(bytes, at, 4) == "data")
                {
                    end = at + 8 + size;
                    return at + 8;
                }
                at += 8 + size + size % 2;
            }
            throw new RecoverableException("a WAV file without samples");
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
        private readonly Queue<byte> input = new Queue<byte>();

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
