// Copyright (c) 2026 The Tocsin Authors
// SPDX-License-Identifier: Apache-2.0

using System.Collections.Generic;

using Antmicro.Renode.Core;
using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals.I2C;
using Antmicro.Renode.Peripherals.Timers;
using Antmicro.Renode.Time;

namespace Antmicro.Renode.Peripherals.Sensors
{
    /// An ADXL345 that measures by its own clock, with its FIFO and its two interrupt pins (data sheet, revision G).
    /// Renode's own gives a sample whenever it is read, and has neither.
    ///
    /// A sample is what the data registers show: digits of the range that the firmware has chosen, x, y, z. Modelled are
    /// the FIFO's bypass and stream modes and the interrupts DATA_READY, watermark and overrun.
    public class ADXL345_FIFO : II2CPeripheral, IMayBeDead
    {
        public ADXL345_FIFO(IMachine machine)
        {
            this.machine = machine;
            INT1 = new GPIO();
            INT2 = new GPIO();
            clock = new LimitTimer(machine.ClockSource, 1000000, this, "output data rate", 10000, Direction.Ascending,
                workMode: WorkMode.Periodic, eventEnabled: true);
            clock.LimitReached += Measure;
            PowerUp();
        }

        /// What it measures from now on: a bare file of int16, little-endian, x, y, z of one sample after the other. At
        /// its end it begins again, which the log tells once.
        public void SetInputFile(string path)
        {
            input.Load(path, Strict);
            told = false;
        }

        /// Whether a first file that cannot be felt ends the simulation with exit status 2.
        public bool Strict { get; set; }

        /// Whether its cable has come loose: nothing answers on the bus, INT1 and INT2 are low. Put in again, it is
        /// powered up anew: it does not measure until it is told to, and has forgotten all settings.
        public bool Dead
        {
            get => dead;
            set
            {
                machine.LocalTimeSource.ExecuteInNearestSyncedState(_ =>
                {
                    dead = value;
                    PowerUp();
                });
            }
        }

        public GPIO INT1 { get; }

        public GPIO INT2 { get; }

        /// The processor's reset does not reach it.
        public void Reset()
        {
        }

        public void Write(byte[] data)
        {
            if(data.Length == 0)
            {
                return;
            }
            // Six bits of address: Zephyr's driver sets the two above, which mean something on SPI alone.
            current = data[0] & 0x3F;
            for(var i = 1; i < data.Length; i++)
            {
                WriteRegister(current, data[i]);
                current = (current + 1) & 0x3F;
            }
        }

        public byte[] Read(int count = 1)
        {
            var result = new byte[count];
            for(var i = 0; i < count; i++)
            {
                result[i] = ReadRegister(current);
                current = (current + 1) & 0x3F;
            }
            Update();
            return result;
        }

        public void FinishTransmission()
        {
        }

        private void PowerUp()
        {
            registers = new byte[0x40];
            registers[DeviceId] = 0xE5;
            registers[Rate] = 0x0A;
            fifo.Clear();
            shown = new byte[6];
            ready = overrun = false;
            current = 0;
            clock.Reset();
            Update();
        }

        private void WriteRegister(int register, byte value)
        {
            registers[register] = value;
            if(register == Rate || register == Power)
            {
                // 3200 Hz for code 15, and half of it for each step below.
                clock.Limit = (ulong)(312.5 * (1 << (15 - (registers[Rate] & 0x0F))));
                clock.Enabled = (registers[Power] & MeasureBit) != 0;
            }
            if(register == FifoControl && Mode == Bypass)
            {
                fifo.Clear();
            }
            Update();
        }

        private byte ReadRegister(int register)
        {
            if(register >= Data && register < Data + 6)
            {
                if(register == Data)
                {
                    ready = overrun = false;
                    if(fifo.Count > 0)
                    {
                        shown = fifo.Dequeue();
                    }
                }
                return shown[register - Data];
            }
            switch(register)
            {
            case Source:
                return Interrupts;
            case FifoStatus:
                return (byte)fifo.Count;
            default:
                return registers[register];
            }
        }

        private void Measure()
        {
            var next = new byte[6];
            if(input.Next(next, out var again))
            {
                last = next;
            }
            if(again && !told)
            {
                told = true;
                this.Log(LogLevel.Warning, "{0} has ended and is felt again from its beginning", input.Name);
            }
            if(Mode == Bypass)
            {
                overrun |= ready;
                shown = last;
            }
            else
            {
                if(fifo.Count == Depth)
                {
                    overrun = true;
                    fifo.Dequeue();
                }
                fifo.Enqueue(last);
            }
            ready = true;
            Update();
        }

        private void Update()
        {
            var active = Interrupts & registers[Enable];
            INT1.Set((active & ~registers[Map]) != 0);
            INT2.Set((active & registers[Map]) != 0);
        }

        private int Mode => registers[FifoControl] >> 6;

        private byte Interrupts
        {
            get
            {
                var watermark = Mode != Bypass && fifo.Count >= (registers[FifoControl] & 0x1F);
                return (byte)((ready || fifo.Count > 0 ? 0x80 : 0) | (watermark ? 0x02 : 0) | (overrun ? 0x01 : 0));
            }
        }

        private readonly IMachine machine;

        private byte[] registers;
        private byte[] shown;
        private byte[] last = new byte[6];
        private bool ready;
        private bool overrun;
        private bool dead;
        private bool told;
        private int current;

        private readonly Queue<byte[]> fifo = new Queue<byte[]>();
        private readonly SamplesFile input =
            new SamplesFile("accelerometer", path => SamplesFile.Bare16(path, 6));
        private readonly LimitTimer clock;

        private const int Depth = 32, Bypass = 0;
        private const byte MeasureBit = 0x08;
        private const int DeviceId = 0x00, Rate = 0x2C, Power = 0x2D, Enable = 0x2E, Map = 0x2F, Source = 0x30, Data = 0x32,
            FifoControl = 0x38, FifoStatus = 0x39;
    }
}
