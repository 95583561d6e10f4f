// Copyright (c) 2026 The Tocsin Authors
// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;

using Antmicro.Renode.Core;
using Antmicro.Renode.Core.Structure;
using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals.Bus;
using Antmicro.Renode.Peripherals.Miscellaneous;
using Antmicro.Renode.Time;

namespace Antmicro.Renode.Peripherals.I2C
{
    /// The I2C master with EasyDMA of the nRF52840, on the bus's time: a byte takes nine bits. Renode has the one without
    /// EasyDMA alone (TWI). Bytes that a device answers with are read at the transfer's end.
    public class NRF52840_TWIM : SimpleContainer<II2CPeripheral>, IDoubleWordPeripheral, IKnownSize, INRFEventProvider
    {
        public NRF52840_TWIM(IMachine machine) : base(machine)
        {
            this.machine = machine;
            sysbus = machine.GetSystemBus(this);
            IRQ = new GPIO();
            events = new NordicEvents(IRQ, offset => EventTriggered?.Invoke(offset));
            registers = new Dictionary<long, uint>();
        }

        public override void Reset()
        {
            events.Reset();
            registers.Clear();
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

        public GPIO IRQ { get; }

        public long Size => 0x1000;

        public event Action<uint> EventTriggered;

        private void Task(long offset)
        {
            switch(offset)
            {
            case StartRx:
                events.Happen(RxStarted);
                Transfer(Register(RxMaximum), Receive);
                break;
            case StartTx:
                events.Happen(TxStarted);
                Transfer(Register(TxMaximum), Transmit);
                break;
            case Stop:
                generation++;
                if(TryGetByAddress((int)Register(Address), out var device))
                {
                    device.FinishTransmission();
                }
                events.Happen(Stopped);
                break;
            case Suspend:
                events.Happen(Suspended);
                break;
            case Resume:
                break;
            default:
                this.Log(LogLevel.Warning, "No task at 0x{0:X}", offset);
                break;
            }
        }

        /// The address and so many bytes go over the bus, or the address alone where nobody acknowledges it.
        private void Transfer(uint bytes, Action<II2CPeripheral, uint> done)
        {
            var present = TryGetByAddress((int)Register(Address), out var device);
            // FREQUENCY counts in 16 MHz / 2^32; 400 kbit/s is 0x06400000.
            var speed = Math.Max((Register(Frequency) * 16000000UL) >> 32, 1000UL);
            var bits = 9UL * (present ? bytes + 1 : 1);
            var began = generation;

            machine.ScheduleAction(TimeInterval.FromNanoseconds(bits * 1000000000UL / speed), _ =>
            {
                if(began != generation)
                {
                    return;
                }
                if(Register(Enable) != Enabled || !present)
                {
                    registers[ErrorSource] = Register(ErrorSource) | AddressNotAcknowledged;
                    events.Happen(Error);
                    return;
                }
                done(device, bytes);
            });
        }

        private void Transmit(II2CPeripheral device, uint bytes)
        {
            device.Write(sysbus.ReadBytes(Register(TxPointer), (int)bytes));
            registers[TxAmount] = bytes;
            events.Happen(LastTx);
            Shortcut(LastTxStartRx, StartRx);
            Shortcut(LastTxSuspend, Suspend);
            Shortcut(LastTxStop, Stop);
        }

        private void Receive(II2CPeripheral device, uint bytes)
        {
            sysbus.WriteBytes(device.Read((int)bytes), Register(RxPointer));
            registers[RxAmount] = bytes;
            events.Happen(LastRx);
            Shortcut(LastRxStartTx, StartTx);
            Shortcut(LastRxSuspend, Suspend);
            Shortcut(LastRxStop, Stop);
        }

        private void Shortcut(uint bit, long task)
        {
            if((Register(Shorts) & bit) != 0)
            {
                Task(task);
            }
        }

        private uint Register(long offset)
        {
            return registers.TryGetValue(offset, out var value) ? value : 0;
        }

        private int generation;

        private readonly IMachine machine;
        private readonly IBusController sysbus;
        private readonly NordicEvents events;
        private readonly Dictionary<long, uint> registers;

        // Tasks
        private const long StartRx = 0x000, StartTx = 0x008, Stop = 0x014, Suspend = 0x01C, Resume = 0x020;
        // Events
        private const int Stopped = 1, Error = 9, Suspended = 18, RxStarted = 19, TxStarted = 20, LastRx = 23, LastTx = 24;
        // Registers
        private const long FirstRegister = 0x200, Shorts = 0x200, ErrorSource = 0x4C4, Enable = 0x500, Frequency = 0x524,
            RxPointer = 0x534, RxMaximum = 0x538, RxAmount = 0x53C, TxPointer = 0x544, TxMaximum = 0x548,
            TxAmount = 0x54C, Address = 0x588;
        // Bits and values
        private const uint LastTxStartRx = 1u << 7, LastTxSuspend = 1u << 8, LastTxStop = 1u << 9, LastRxStartTx = 1u << 10,
            LastRxSuspend = 1u << 11, LastRxStop = 1u << 12, AddressNotAcknowledged = 2, Enabled = 6;
    }
}
