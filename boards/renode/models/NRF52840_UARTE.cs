// Copyright (c) 2026 The Tocsin Authors
// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;

using Antmicro.Renode.Core;
using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals.Bus;
using Antmicro.Renode.Peripherals.Miscellaneous;
using Antmicro.Renode.Time;

namespace Antmicro.Renode.Peripherals.UART
{
    /// The UART with EasyDMA of the nRF52840, on the wire's time: a byte takes ten bits in both directions.
    ///
    /// Renode's own model takes bytes as fast as the host sends them, and loses those that come between ENDRX and the
    /// next STARTRX; a link of 1 Mbit/s does not survive that. Here, like in the chip, a FIFO of six bytes bridges that
    /// time, and what it cannot hold is an overrun. Parity and flow control are not modelled.
    public class NRF52840_UARTE : UARTBase, IDoubleWordPeripheral, IKnownSize, INRFEventProvider
    {
        public NRF52840_UARTE(IMachine machine) : base(machine)
        {
            sysbus = machine.GetSystemBus(this);
            IRQ = new GPIO();
            events = new NordicEvents(IRQ, offset => EventTriggered?.Invoke(offset));
            fifo = new Queue<byte>();
            registers = new Dictionary<long, uint>();
        }

        public override void Reset()
        {
            base.Reset();
            events.Reset();
            fifo.Clear();
            registers.Clear();
            receiving = false;
            arriving = false;
            generation++;
        }

        public uint ReadDoubleWord(long offset)
        {
            return events.TryRead(offset, out var value) ? value : Register(offset);
        }

        public void WriteDoubleWord(long offset, uint value)
        {
            if(events.TryWrite(offset, value))
            {
                return;
            }
            if(offset >= FirstRegister)
            {
                registers[offset] = offset == ErrorSource ? Register(offset) & ~value : value;
            }
            else if(value != 0)
            {
                Task(offset);
            }
        }

        public override Bits StopBits => Bits.One;

        public override Parity ParityBit => Parity.None;

        /// BAUDRATE counts in 16 MHz / 2^32; 1 Mbit/s is 0x10000000.
        public override uint BaudRate => (uint)((Register(Speed) * 16000000UL) >> 32);

        public GPIO IRQ { get; }

        public long Size => 0x1000;

        public event Action<uint> EventTriggered;

        protected override void CharWritten()
        {
            // Called by the host's thread; what follows must not come between two instructions of a task.
            Machine.LocalTimeSource.ExecuteInNearestSyncedState(_ => Arrive());
        }

        protected override void QueueEmptied()
        {
        }

        private void Task(long offset)
        {
            switch(offset)
            {
            case StartRx:
                registers[RxAmount] = 0;
                receiving = true;
                events.Happen(RxStarted);
                Store();
                break;
            case StopRx:
                if(receiving)
                {
                    receiving = false;
                    events.Happen(EndRx);
                }
                events.Happen(RxTimeout);
                break;
            case StartTx:
                Transmit();
                break;
            case StopTx:
                events.Happen(TxStopped);
                break;
            case FlushRx:
                fifo.Clear();
                break;
            default:
                this.Log(LogLevel.Warning, "No task at 0x{0:X}", offset);
                break;
            }
        }

        /// The next byte on the wire, if none is on it.
        private void Arrive()
        {
            if(arriving || Count == 0)
            {
                return;
            }
            arriving = true;
            After(1, () =>
            {
                arriving = false;
                if(TryGetCharacter(out var value))
                {
                    Receive(value);
                }
                Arrive();
            });
        }

        private void Receive(byte value)
        {
            if(Register(Enable) != Enabled)
            {
                return;
            }
            if(fifo.Count == FifoDepth)
            {
                registers[ErrorSource] = Register(ErrorSource) | Overrun;
                events.Happen(Error);
                return;
            }
            fifo.Enqueue(value);
            Store();
        }

        private void Store()
        {
            while(receiving && fifo.Count > 0)
            {
                var amount = Register(RxAmount);
                sysbus.WriteByte(Register(RxPointer) + amount, fifo.Dequeue());
                registers[RxAmount] = ++amount;
                events.Happen(RxReady);
                if(amount >= Register(RxMaximum))
                {
                    receiving = false;
                    events.Happen(EndRx);
                    if((Register(Shorts) & EndRxStartRx) != 0)
                    {
                        Task(StartRx);
                    }
                }
            }
        }

        private void Transmit()
        {
            var count = (int)Register(TxMaximum);
            events.Happen(TxStarted);
            foreach(var value in sysbus.ReadBytes(Register(TxPointer), count))
            {
                TransmitCharacter(value);
            }
            registers[TxAmount] = (uint)count;
            After((uint)Math.Max(count, 1), () =>
            {
                events.Happen(TxReady);
                events.Happen(EndTx);
            });
        }

        private void After(uint bytes, Action action)
        {
            var speed = Math.Max(BaudRate, 1200);
            var began = generation;
            Machine.ScheduleAction(TimeInterval.FromNanoseconds(bytes * 10UL * 1000000000UL / speed), _ =>
            {
                if(began == generation)
                {
                    action();
                }
            });
        }

        private uint Register(long offset)
        {
            return registers.TryGetValue(offset, out var value) ? value : offset == Speed ? 0x04000000u : 0;
        }

        private bool receiving;
        private bool arriving;
        private int generation;

        private readonly IBusController sysbus;
        private readonly NordicEvents events;
        private readonly Queue<byte> fifo;
        private readonly Dictionary<long, uint> registers;

        private const int FifoDepth = 6;

        // Tasks
        private const long StartRx = 0x000, StopRx = 0x004, StartTx = 0x008, StopTx = 0x00C, FlushRx = 0x02C;
        // Events
        private const int RxReady = 2, EndRx = 4, TxReady = 7, EndTx = 8, Error = 9, RxTimeout = 17, RxStarted = 19,
            TxStarted = 20, TxStopped = 22;
        // Registers
        private const long FirstRegister = 0x200, Shorts = 0x200, ErrorSource = 0x480, Enable = 0x500, Speed = 0x524,
            RxPointer = 0x534, RxMaximum = 0x538, RxAmount = 0x53C, TxPointer = 0x544, TxMaximum = 0x548,
            TxAmount = 0x54C;
        // Bits and values
        private const uint EndRxStartRx = 1u << 5, Overrun = 1, Enabled = 8;
    }
}
