// Copyright (c) 2026 The Tocsin Authors
// SPDX-License-Identifier: Apache-2.0

using System;
using System.Collections.Generic;

using Antmicro.Renode.Core;
using Antmicro.Renode.Core.Structure;
using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals.Bus;
using Antmicro.Renode.Peripherals.Miscellaneous;

namespace Antmicro.Renode.Peripherals.I2C
{
    /// A device that may be dead: then nothing acknowledges its address.
    public interface IMayBeDead
    {
        bool Dead { get; }
    }

    /// The I2C interface without EasyDMA of the nRF52840 (TWI), on the wire's time: a byte takes nine bits.
    ///
    /// With Renode's own a transfer takes no time, and a device that is registered always acknowledges. Modelled is what
    /// a driver needs that receives byte by byte: the shortcuts BB_SUSPEND and BB_STOP, address and data that are not
    /// acknowledged, repeated starts.
    public class NRF52840_TWI : SimpleContainer<II2CPeripheral>, IDoubleWordPeripheral, IKnownSize, INRFEventProvider
    {
        public NRF52840_TWI(IMachine machine) : base(machine)
        {
            IRQ = new GPIO();
            registers = new NordicRegisters(IRQ, offset => EventTriggered?.Invoke(offset), Task,
                new Dictionary<long, uint> { { Frequency, 0x04000000 } }, ErrorSource);
            later = new Later(machine);
        }

        public override void Reset()
        {
            registers.Reset();
            Idle();
        }

        public uint ReadDoubleWord(long offset)
        {
            return registers.Read(offset);
        }

        public void WriteDoubleWord(long offset, uint value)
        {
            registers.Write(offset, value);
            if(offset == TxData)
            {
                waiting = true;
                Send();
            }
        }

        /// Which reading from now on is disturbed: 1 the next one, 0 none.
        public int FailRead { get; set; }

        public GPIO IRQ { get; }

        public long Size => 0x1000;

        public event Action<uint> EventTriggered;

        private void Task(long offset)
        {
            switch(offset)
            {
            case StartTx:
                Start(Send);
                break;
            case StartRx:
                Start(Receive, FailRead > 0 && --FailRead == 0);
                break;
            case StopTask:
                Stop();
                break;
            case Resume:
                if(suspended)
                {
                    suspended = false;
                    Receive();
                }
                break;
            case Suspend:
                break; // between two bytes the wire is still anyway
            default:
                this.Log(LogLevel.Warning, "No task at 0x{0:X}", offset);
                break;
            }
        }

        /// A start, also a repeated one, and the address; where the bus is disturbed nobody acknowledges.
        private void Start(Action next, bool disturbed = false)
        {
            Deliver();
            Idle();
            After(BitsOfByte, () =>
            {
                if(disturbed || !TryGetByAddress((int)registers[Address], out slave) || Missing)
                {
                    slave = null;
                    Fail(AddressNack);
                    return;
                }
                next();
            });
        }

        private void Send()
        {
            if(slave == null || !waiting || sending)
            {
                return;
            }
            var value = (byte)registers[TxData];
            waiting = false;
            sending = true;
            After(BitsOfByte, () =>
            {
                sending = false;
                if(Missing)
                {
                    Fail(DataNack);
                    return;
                }
                sent.Add(value);
                registers.Happen(TxSent);
                Send();
            });
        }

        private void Receive()
        {
            After(BitsOfByte, () =>
            {
                // Nobody pulls the wire down where there is nobody.
                registers[RxData] = Missing ? (byte)0xFF : slave.Read()[0];
                registers.Happen(RxReady);
                if((registers[Shorts] & ByteStop) != 0)
                {
                    Stop();
                }
                else
                {
                    suspended = true;
                }
            });
        }

        private void Stop()
        {
            Deliver();
            if(slave != null && !Missing)
            {
                slave.FinishTransmission();
            }
            Idle();
            After(1, () => registers.Happen(Stopped));
        }

        /// Renode's devices take all bytes of a transmission at once.
        private void Deliver()
        {
            if(slave != null && sent.Count > 0 && !Missing)
            {
                slave.Write(sent.ToArray());
            }
        }

        private void Fail(uint source)
        {
            registers[ErrorSource] = registers[ErrorSource] | source;
            registers.Happen(Error);
        }

        private void Idle()
        {
            slave = null;
            sent.Clear();
            waiting = false;
            suspended = false;
            sending = false;
            later.CallOff();
        }

        private void After(uint bits, Action action)
        {
            // FREQUENCY counts in 16 MHz / 2^32.
            later.After(bits, (uint)Math.Max((registers[Frequency] * 16000000UL) >> 32, 10000), action);
        }

        private bool Missing => slave is IMayBeDead mayBe && mayBe.Dead;

        private II2CPeripheral slave;
        private bool waiting;
        private bool sending;
        private bool suspended;

        private readonly List<byte> sent = new List<byte>();
        private readonly NordicRegisters registers;
        private readonly Later later;

        private const uint BitsOfByte = 9;

        // Tasks
        private const long StartRx = 0x000, StartTx = 0x008, StopTask = 0x014, Suspend = 0x01C, Resume = 0x020;
        // Events
        private const int Stopped = 1, RxReady = 2, TxSent = 7, Error = 9;
        // Registers
        private const long Shorts = 0x200, ErrorSource = 0x4C4, RxData = 0x518, TxData = 0x51C,
            Frequency = 0x524, Address = 0x588;
        // Bits
        private const uint ByteStop = 1u << 1, AddressNack = 1u << 1, DataNack = 1u << 2;
    }
}
