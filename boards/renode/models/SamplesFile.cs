// Copyright (c) 2026 The Tocsin Authors
// SPDX-License-Identifier: Apache-2.0

using System;
using System.IO;
using System.Text;

using Antmicro.Renode.Exceptions;

namespace Antmicro.Renode.Peripherals.Sensors
{
    /// The file that a simulated sensor plays: int16 samples, from its beginning again at its end.
    ///
    /// A file that the sensor cannot play is refused by its name, and what was played before goes on. Where there was
    /// nothing before and the simulation is to be strict, it ends with exit status 2: nobody may take silence for the
    /// recording.
    public class SamplesFile
    {
        public SamplesFile(string sensor, Func<string, byte[]> read)
        {
            this.sensor = sensor;
            this.read = read;
        }

        /// Plays another file from now on.
        public void Load(string path, bool strict)
        {
            byte[] found;
            try
            {
                found = read(path);
            }
            catch(Exception error)
            {
                var why = string.Format("{0}: {1}. The {2} did not take it.", path, error.Message, sensor);
                if(strict && samples.Length == 0)
                {
                    Console.Error.WriteLine("error: " + why);
                    Console.Error.Flush();
                    Environment.Exit(2);
                }
                throw new RecoverableException(why);
            }
            lock(this)
            {
                samples = found;
                at = 0;
                Name = path;
            }
        }

        /// The next bytes; false where no file was given. `again` tells that the file has begun anew.
        public bool Next(byte[] into, out bool again)
        {
            again = false;
            lock(this)
            {
                if(samples.Length == 0)
                {
                    return false;
                }
                for(var i = 0; i < into.Length; i++)
                {
                    if(at == samples.Length)
                    {
                        at = 0;
                        again = true;
                    }
                    into[i] = samples[at++];
                }
            }
            return true;
        }

        public string Name { get; private set; } = "";

        /// Bytes until the end of the file.
        public int Left
        {
            get
            {
                lock(this)
                {
                    return samples.Length - at;
                }
            }
        }

        /// The samples of a WAV file, which must be of 16 bits, one channel and the rate; or of a bare file of int16,
        /// little-endian, which is called .i16, .raw, .pcm or .bin, since nothing else tells it from other formats.
        public static byte[] Sound(string path, uint rate)
        {
            var bytes = Bytes(path);
            if(bytes.Length < 12 || Text(bytes, 0) != "RIFF" || Text(bytes, 8) != "WAVE")
            {
                CheckBare(path, "it is no WAV file");
                return Whole(bytes, 2);
            }
            var described = false;
            for(var at = 12L; at + 8 <= bytes.Length;)
            {
                var size = (long)BitConverter.ToUInt32(bytes, (int)at + 4);
                var begin = (int)at + 8;
                if(Text(bytes, (int)at) == "fmt ")
                {
                    CheckFormat(bytes, begin, size, rate);
                    described = true;
                }
                else if(Text(bytes, (int)at) == "data")
                {
                    if(!described)
                    {
                        throw new Exception("its samples come before their format");
                    }
                    return Data(bytes, begin, size);
                }
                at = begin + size + size % 2;
            }
            throw new Exception("it is a WAV file without samples");
        }

        /// Bare int16, little-endian, `each` bytes of them together.
        public static byte[] Bare16(string path, int each)
        {
            var bytes = Bytes(path);
            if(bytes.Length >= 4 && Text(bytes, 0) == "RIFF")
            {
                throw new Exception("it is a WAV file; bare int16 samples are wanted");
            }
            CheckBare(path, "it is not known to hold bare int16 samples");
            return Whole(bytes, each);
        }

        private static void CheckBare(string path, string what)
        {
            if(Array.IndexOf(BareEndings, Path.GetExtension(path).ToLowerInvariant()) < 0)
            {
                throw new Exception(what + " (bare int16 samples are called .i16, .raw, .pcm or .bin)");
            }
        }

        private static void CheckFormat(byte[] bytes, int begin, long size, uint rate)
        {
            if(size < 16 || begin + size > bytes.Length)
            {
                throw new Exception("its format is cut short");
            }
            var tag = BitConverter.ToUInt16(bytes, begin);
            if(tag == Extensible && size >= 26)
            {
                tag = BitConverter.ToUInt16(bytes, begin + 24);
            }
            var channels = BitConverter.ToUInt16(bytes, begin + 2);
            var hertz = BitConverter.ToUInt32(bytes, begin + 4);
            var bits = BitConverter.ToUInt16(bytes, begin + 14);
            if(tag != Pcm || bits != 16 || channels != 1 || hertz != rate)
            {
                throw new Exception(string.Format(
                    "it holds {0} {1} of {2} bits{3} at {4} Hz, and the microphone hears 1 channel of 16 bits at {5} Hz",
                    channels, channels == 1 ? "channel" : "channels", bits, tag == Pcm ? "" : " (not PCM)", hertz, rate));
            }
        }

        private static byte[] Data(byte[] bytes, int begin, long size)
        {
            var there = bytes.Length - begin;
            // Whoever streams a WAV file does not know its length.
            if(size == uint.MaxValue)
            {
                size = there;
            }
            if(size > there)
            {
                throw new Exception(string.Format("it is cut short: {0} of {1} bytes of samples are there", there, size));
            }
            var found = new byte[size];
            Array.Copy(bytes, begin, found, 0, size);
            return Whole(found, 2);
        }

        private static byte[] Bytes(string path)
        {
            if(Directory.Exists(path))
            {
                throw new Exception("it is a folder");
            }
            if(!File.Exists(path))
            {
                throw new Exception("there is no such file");
            }
            return File.ReadAllBytes(path);
        }

        private static byte[] Whole(byte[] bytes, int each)
        {
            if(bytes.Length == 0)
            {
                throw new Exception("it holds no samples");
            }
            if(bytes.Length % each != 0)
            {
                throw new Exception(string.Format("{0} bytes are no samples of {1} int16", bytes.Length, each / 2));
            }
            return bytes;
        }

        private static string Text(byte[] bytes, int at)
        {
            return Encoding.ASCII.GetString(bytes, at, 4);
        }

        private byte[] samples = new byte[0];
        private int at;

        private readonly string sensor;
        private readonly Func<string, byte[]> read;

        private static readonly string[] BareEndings = { ".i16", ".raw", ".pcm", ".bin" };
        private const ushort Pcm = 1, Extensible = 0xFFFE;
    }
}
