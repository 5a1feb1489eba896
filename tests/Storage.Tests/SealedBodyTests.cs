using System.Security.Cryptography;
using System.Text;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Operations;

namespace FleetMdm.Storage.Tests;

public sealed class PostgresSealedBodyTests(PostgresFixture fixture) : SealedBodyTests(fixture), IClassFixture<PostgresFixture>;

public sealed class SqliteSealedBodyTests(SqliteFixture fixture) : SealedBodyTests(fixture), IClassFixture<SqliteFixture>;

/// <summary>What a copy of the database tells of profiles and answers.</summary>
public abstract class SealedBodyTests(StoreFixture fixture)
{
    private const string Secret = "the Wi-Fi password of the district";

    private IDeviceStore Store => fixture.Node.Devices;

    [Fact]
    public async Task Neither_a_body_nor_an_answer_can_be_read_or_guessed_by_its_hash_in_the_database()
    {
        var row = await Make.Enrolled(fixture.Node);
        var command = Make.Command(row.Id, body: $"<dict>{Secret} 1</dict>");
        var appended = await Store.Append(command);
        var answer = Encoding.UTF8.GetBytes($"<dict>{Secret} 2</dict>");
        await Store.Finish(Make.Finish(row.Id, appended.Sequence) with { Result = answer });
        var report = Encoding.UTF8.GetBytes($"<dict>{Secret} 3</dict>");
        var hash = await Store.StoreBody(report);
        var operation = await fixture.Node.Operations.Append(new OperationAppend
        {
            Id = Make.Id(),
            CommandUuid = Make.Id(),
            RequestType = "InstallProfile",
            Body = Encoding.UTF8.GetBytes($"<dict>{Secret} 4</dict>"),
            AcceptedAt = Make.Now,
            RequestedBy = "ada",
            Ids = [row.Id],
        });

        var stored = (await Contents(fixture.Node)).Concat(await Answers(fixture.Node, row.Id)).ToList();
        Assert.True(stored.Count >= 4);
        Assert.All(stored, content => Assert.True(content.AsSpan().IndexOf(Encoding.UTF8.GetBytes(Secret)) < 0));
        foreach (var plain in new[] { command.Body.ToArray(), answer, report })
            Assert.Null(await Store.LoadBody(SHA256.HashData(plain)));

        await using var other = await fixture.OpenNode();
        Assert.Equal(command.Body.ToArray(), await other.Devices.LoadBody(appended.BodyHash));
        Assert.Equal(report, await other.Devices.LoadBody(hash));
        Assert.Equal($"<dict>{Secret} 4</dict>", Encoding.UTF8.GetString((await other.Devices.LoadBody(operation.BodyHash))!));
        Assert.Equal(answer, (await other.Queries.FindHistory(row.Id, command.CommandUuid))!.Result);
    }

    [Fact]
    public async Task The_same_body_has_one_name_and_one_row_whichever_node_stores_it()
    {
        var body = Encoding.UTF8.GetBytes($"<dict>{Make.Id()}</dict>");
        await using var other = await fixture.OpenNode();

        var names = await Task.WhenAll(Store.StoreBody(body), other.Devices.StoreBody(body), Store.StoreBody(body));

        Assert.All(names, name => Assert.Equal(names[0], name));
        Assert.Single(await Contents(fixture.Node, names[0]));
        Assert.True(Store.IsBody(names[0], body));
        Assert.True(other.Devices.IsBody(SHA256.HashData(body), body));
        Assert.False(Store.IsBody(names[0], "<dict/>"u8.ToArray()));
    }

    [Fact]
    public async Task An_answer_that_somebody_moved_to_another_command_is_not_shown_as_that_ones()
    {
        var row = await Make.Enrolled(fixture.Node);
        var commands = new[] { Make.Command(row.Id), Make.Command(row.Id) };
        foreach (var command in commands)
            await Store.Finish(Make.Finish(row.Id, (await Store.Append(command)).Sequence));
        await Write(fixture.Node, $"""
            UPDATE history SET answer = (SELECT o.answer FROM history o WHERE o.command_uuid = '{commands[0].CommandUuid}')
            WHERE command_uuid = '{commands[1].CommandUuid}'
            """);

        Assert.NotNull((await fixture.Node.Queries.FindHistory(row.Id, commands[0].CommandUuid))!.Result);
        await Assert.ThrowsAnyAsync<CryptographicException>(() => fixture.Node.Queries.FindHistory(row.Id, commands[1].CommandUuid));
    }

    [Fact]
    public async Task What_an_older_version_stored_is_read_as_it_is_and_sealed_from_where_a_node_died()
    {
        const int Bodies = 230;
        await using var mine = await fixture.CreateAnother();
        var node = mine.Node;
        var row = await Make.Enrolled(node);
        var plain = Enumerable.Range(0, Bodies).Select(i => Encoding.UTF8.GetBytes($"<dict>{Secret} {i}</dict>")).ToList();
        foreach (var body in plain)
            await OldBody(node, body);
        var commands = new List<QueueAppend>();
        foreach (var body in plain.Take(3))
        {
            var command = Make.Command(row.Id);
            commands.Add(command);
            await OldAnswer(node, command, body);
        }

        await AllIsThere();

        // The node dies when it has sealed a part.
        using (var death = new CancellationTokenSource())
        {
            var dying = node.Rewrite.Run(death.Token);
            while ((await Contents(node)).Count(Plain) > Bodies - 5) await Task.Yield();
            await death.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => dying);
        }

        await using var next = await mine.OpenNode();
        var (bodies, answers) = await next.Rewrite.Run(TestContext.Current.CancellationToken);
        Assert.InRange(bodies, 1, Bodies - 5);
        Assert.Equal(commands.Count, answers);
        Assert.DoesNotContain(await Contents(node), Plain);
        Assert.DoesNotContain(await Answers(node, row.Id), Plain);
        Assert.Equal((0, 0), await next.Rewrite.Run(TestContext.Current.CancellationToken));
        await AllIsThere();

        async Task AllIsThere()
        {
            // Not from the memory of a node that has read them before.
            await using var reader = await mine.OpenNode();
            foreach (var body in plain)
                Assert.Equal(body, await reader.Devices.LoadBody(SHA256.HashData(body)));
            for (var i = 0; i < commands.Count; i++)
                Assert.Equal(plain[i], (await reader.Queries.FindHistory(row.Id, commands[i].CommandUuid))!.Result);
        }

        static bool Plain(byte[] stored) => stored[0] == (byte)'<';
    }

    private static Task OldBody(Node node, byte[] body) => node.Parts.Database.Write(s => s
        .Sql("INSERT INTO bodies (hash, content, last_used) VALUES (@hash, @content, @at)")
        .Bytes("@hash", SHA256.HashData(body)).Bytes("@content", body).Time("@at", Make.Now).Execute());

    private static async Task OldAnswer(Node node, QueueAppend command, byte[] answer)
    {
        var appended = await node.Devices.Append(command);
        await node.Devices.Finish(Make.Finish(command.EnrolmentId, appended.Sequence));
        await node.Parts.Database.Write(s => s
            .Sql("UPDATE history SET answer = @answer WHERE enrolment_id = @id AND sequence = @sequence")
            .Bytes("@answer", answer).Text("@id", command.EnrolmentId).Long("@sequence", appended.Sequence).Execute());
    }

    private static Task Write(Node node, string sql) => node.Parts.Database.Write(s => s.Sql(sql).Execute());

    private static Task<List<byte[]>> Contents(Node node, byte[]? hash = null) => node.Parts.Database.Read(s => s
        .Sql(hash is null ? "SELECT content FROM bodies" : "SELECT content FROM bodies WHERE hash = @hash").Bind(p => { if (hash is not null) p.Bytes("@hash", hash); })
        .List(r => r.Bytes(0)));

    private static Task<List<byte[]>> Answers(Node node, string id) => node.Parts.Database.Read(s => s
        .Sql("SELECT answer FROM history WHERE enrolment_id = @id AND answer IS NOT NULL").Text("@id", id).List(r => r.Bytes(0)));
}
