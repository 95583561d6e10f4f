// Copyright (c) 2026 The Tocsin Authors
// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;

using Antmicro.Renode.Core;
using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals.Bus;
using Antmicro.Renode.Peripherals.Miscellaneous;

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
            registers = new NordicRegisters(IRQ, offset => EventTriggered?.Invoke(offset), Task,
                new Dictionary<long, uint> { { Speed, 0x04000000 } }, ErrorSource);
            later = new Later(machine);
            fifo = new Queue<byte>();
        }

        public override void Reset()
        {
            base.Reset();
            registers.Reset();
            later.CallOff();
            fifo.Clear();
            receiving = false;
            arriving = false;
        }

        public uint ReadDoubleWord(long offset)
        {
            return registers.Read(offset);
        }

        public void WriteDoubleWord(long offset, uint value)
        {
            registers.Write(offset, value);
        }

        public override Bits StopBits => Bits.One;

        public override Parity ParityBit => Parity.None;

        /// BAUDRATE counts in 16 MHz / 2^32; 1 Mbit/s is 0x10000000.
        public override uint BaudRate => (uint)((registers[Speed] * 16000000UL) >> 32);

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
                registers.Happen(RxStarted);
                Store();
                break;
            case StopRx:
                if(receiving)
                {
                    receiving = false;
                    registers.Happen(EndRx);
                }
                registers.Happen(RxTimeout);
                break;
            case StartTx:
                Transmit();
                break;
            case StopTx:
                registers.Happen(TxStopped);
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
            if(registers[Enable] != Enabled)
            {
                return;
            }
            if(fifo.Count == FifoDepth)
            {
                registers[ErrorSource] = registers[ErrorSource] | Overrun;
                registers.Happen(Error);
                return;
            }
            fifo.Enqueue(value);
            Store();
        }

        private void Store()
        {
            while(receiving && fifo.Count > 0)
            {
                var amount = registers[RxAmount];
                sysbus.WriteByte(registers[RxPointer] + amount, fifo.Dequeue());
                registers[RxAmount] = ++amount;
                registers.Happen(RxReady);
                if(amount >= registers[RxMaximum])
                {
                    receiving = false;
                    registers.Happen(EndRx);
                    if((registers[Shorts] & EndRxStartRx) != 0)
                    {
                        Task(StartRx);
                    }
                }
            }
        }

        private void Transmit()
        {
            var count = (int)registers[TxMaximum];
            registers.Happen(TxStarted);
            foreach(var value in sysbus.ReadBytes(registers[TxPointer], count))
            {
                TransmitCharacter(value);
            }
            registers[TxAmount] = (uint)count;
            After((uint)Math.Max(count, 1), () =>
            {
                registers.Happen(TxReady);
                registers.Happen(EndTx);
            });
        }

        private void After(uint bytes, Action action)
        {
            later.After(bytes * 10UL, Math.Max(BaudRate, 1200), action);
        }

        private bool receiving;
        private bool arriving;

        private readonly IBusController sysbus;
        private readonly NordicRegisters registers;
        private readonly Later later;
        private readonly Queue<byte> fifo;

        private const int FifoDepth = 6;

        // Tasks
        private const long StartRx = 0x000, StopRx = 0x004, StartTx = 0x008, StopTx = 0x00C, FlushRx = 0x02C;
        // Events
        private const int RxReady = 2, EndRx = 4, TxReady = 7, EndTx = 8, Error = 9, RxTimeout = 17, RxStarted = 19,
            TxStarted = 20, TxStopped = 22;
        // Registers
        private const long Shorts = 0x200, ErrorSource = 0x480, Enable = 0x500, Speed = 0x524,
            RxPointer = 0x534, RxMaximum = 0x538, RxAmount = 0x53C, TxPointer = 0x544, TxMaximum = 0x548,
            TxAmount = 0x54C;
        // Bits and values
        private const uint EndRxStartRx = 1u << 5, Overrun = 1, Enabled = 8;
    }
}
