using System.Net;
using System.Net.Sockets;
using System.Text;
using FleetMdm.Grains.Interfaces;

namespace FleetMdm.Api.Tests.CheckIn;

/// <summary>A command that an iPad never answers, as the iPad and an administrator meet it.</summary>
public abstract class UnansweredTests(AdministeredServer server)
{
    [Fact]
    public async Task Thirty_times_Idle_without_an_answer_bring_the_second_command_and_say_so_about_the_first()
    {
        var pad = await server.Enrol();
        var silent = await pad.Send("ProfileList");
        var second = await pad.Send("SecurityInfo");

        var came = new List<string?>();
        for (var i = 0; i < 30; i++) came.Add(await pad.Idle());
        Assert.Contains(second, came);
        Assert.Null(await pad.Report("Acknowledged", second));
        Assert.Null(await pad.Idle());
        Assert.True(came.Count(uuid => uuid == silent) <= 5);

        var command = await pad.Command(silent);
        Assert.Equal(("SetAside", false, 5), ((string?)command["state"], (bool)command["finished"]!, (int)command["unansweredCount"]!));
        Assert.NotNull((string?)command["unansweredAt"]);
        const string Reason = "Handed over 5 times, never answered. The other commands go first. It is tried again after ";
        Assert.StartsWith(Reason, (string?)command["reason"]);

        // The list, the queue of the iPad and its page say the same.
        var listed = (await server.Get($"{pad.Path}/commands"))["items"]!.AsArray().Single(item => (string?)item!["commandUuid"] == silent);
        Assert.Equal((string?)command["reason"], (string?)listed!["reason"]);
        Assert.Equal(5, (int)listed["unansweredCount"]!);
        var device = await server.Get(pad.Path);
        Assert.Equal((string?)command["reason"], (string?)device["queue"]![0]!["reason"]);
        Assert.Contains(Reason, (string?)device["waiting"]);
        var page = await server.Admin.GetStringAsync(new Uri($"/ipads/{pad.Udid}", UriKind.Relative));
        Assert.Contains("Not answered", page);
        Assert.Contains(Reason, page);
    }

    [Fact]
    public async Task A_command_that_did_not_leave_the_server_does_not_count_as_one_that_was_not_answered()
    {
        var pad = await server.Enrol();
        var large = Guid.NewGuid().ToString().ToUpperInvariant();
        // More than the buffers of a socket hold, whatever they have grown to.
        var command = $"<dict><key>RequestType</key><string>InstallProfile</string><key>Payload</key><data>{Convert.ToBase64String(new byte[8 * 1024 * 1024])}</data></dict>";
        await server.Grains.GetGrain<IDeviceGrain>(pad.Udid).Enqueue(new CommandOrder
        {
            CommandUuid = large,
            RequestType = "InstallProfile",
            Command = Encoding.UTF8.GetBytes(command),
            Push = false,
        });

        for (var i = 0; i < 6; i++)
        {
            var takenBack = server.Calls.Next(nameof(IDeviceGrain.NotDelivered));
            await HangUp(pad);
            await takenBack;
        }

        Assert.Equal(0, (int)(await pad.Command(large))["unansweredCount"]!);
        Assert.Equal(large, await pad.Idle());
    }

    /// <summary>Asks for a command, and is gone before it has come.</summary>
    private async Task HangUp(EnrolledPad pad)
    {
        var body = Encoding.UTF8.GetBytes(Message.Report(pad.Udid, "Idle"));
        using var socket = new TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, server.Admin.BaseAddress!.Port);
        socket.ReceiveBufferSize = 4096;
        var stream = socket.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(
            $"PUT /mdm/connect HTTP/1.1\r\nHost: mdm.test\r\nClient-Cert: :{Convert.ToBase64String(pad.Certificate.RawData)}:\r\nContent-Length: {body.Length}\r\n\r\n"));
        await stream.WriteAsync(body);
        // The first byte is here: the grain has handed it over.
        await stream.ReadExactlyAsync(new byte[1]);
        socket.LingerState = new LingerOption(true, 0);
    }
}

public sealed class UnansweredOnSqlite(AdministeredOnSqlite server) : UnansweredTests(server), IClassFixture<AdministeredOnSqlite>;

public sealed class UnansweredOnPostgreSql(AdministeredOnPostgreSql server) : UnansweredTests(server), IClassFixture<AdministeredOnPostgreSql>;
