using System.Security.Cryptography;
using FleetMdm.Storage.Access;
using FleetMdm.Storage.ActivationLock;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Hosting;
using FleetMdm.Storage.Secrets;
using FleetMdm.Testing;

namespace FleetMdm.Storage.Tests;

public sealed class PostgresMasterKeyChangeTests(PostgresFixture fixture) : MasterKeyChangeTests(fixture), IClassFixture<PostgresFixture>;

public sealed class SqliteMasterKeyChangeTests(SqliteFixture fixture) : MasterKeyChangeTests(fixture), IClassFixture<SqliteFixture>;

/// <summary>Everything that a key has sealed, sealed under another one.</summary>
public abstract class MasterKeyChangeTests(StoreFixture fixture)
{
    private const string SessionKeys = "session-keys";

    [Fact]
    public async Task Every_secret_opens_with_the_new_key_and_none_with_the_old_one()
    {
        using var folder = new TemporaryFolder();
        var (oldFile, newFile) = (NewKey(folder, "old.key"), NewKey(folder, "new.key"));
        await using var mine = await fixture.CreateAnother();
        await mine.ForgetSchema();
        await mine.Node.DisposeAsync();
        var (before, after) = (Settings(mine, oldFile), Settings(mine, newFile));
        var answer = Make.Command(Make.Id());
        var ids = new List<string>();
        var account = new Account { Id = Make.Id(), Version = 1, UserName = "anna", Name = "Anna", Role = "viewer", CreatedAt = Make.Now, CreatedBy = "x", UpdatedAt = Make.Now, UpdatedBy = "x" };
        await using (var node = await Node.Start(before))
        {
            for (var i = 0; i < 3; i++)
                ids.Add(await WithToken(node, null));
            // As an earlier version spelled it.
            ids.Add(await WithToken(node, "lower-case"));
            node.KeyRing.StoreKey("key", $"<key><sealed>{Convert.ToBase64String(node.Sealer.Seal(SessionKeys, [5]))}</sealed></key>");
            await node.ActivationLock.Keep(ids[0], node.Sealer.Seal(ActivationLockCode.Purpose(ids[0]), [7]), Make.Now);
            await node.Accounts.Create(account, null, null);
            var keys = await node.Accounts.FindWithKeys(account.Id);
            await node.Accounts.SetTotp(account.Id, keys!.Stamp, node.Sealer.Seal(Account.TotpPurpose(account.Id), [8]), 1, [], "stamp", null, Make.Now, null);
            await node.Profiles.Write(ProfileStoreTests.Write("profile", content: "<dict>profile</dict>"));
            await node.Control.GetOrAddFact("some-seed", node.Sealer.Seal("some-seed", [6]), TestContext.Current.CancellationToken);
            await node.Devices.Finish(Make.Finish(answer.EnrolmentId, (await node.Devices.Append(answer)).Sequence));
        }

        var changed = await Change(before, newFile);
        Assert.Equal((false, 0), (changed.AlreadyDone, changed.Unreadable));
        Assert.True((await Change(before, newFile)).AlreadyDone);

        await Assert.ThrowsAsync<StorageConfigurationException>(() => Node.Start(before));
        await using var next = await Node.Start(after);
        var old = new SecretSealer(Convert.FromBase64String(await File.ReadAllTextAsync(oldFile)));
        foreach (var id in ids)
        {
            var (udid, token) = await next.Parts.Database.Read(s => s
                .Sql("SELECT udid, unlock_token FROM devices WHERE id = @id").Text("@id", id).First(row => (row.TextOrNull(0), row.Bytes(1))));
            Assert.Equal([1, 2, 3], next.Sealer.Open($"unlock-token/{udid ?? id}", token));
            Assert.Throws<CryptographicException>(() => old.Open($"unlock-token/{udid ?? id}", token));
        }

        Assert.Equal([7], next.Sealer.Open(ActivationLockCode.Purpose(ids[0]), (await next.ActivationLock.Find(ids[0]))!.Code));
        Assert.Equal([8], next.Sealer.Open(Account.TotpPurpose(account.Id), (await next.Accounts.FindWithKeys(account.Id))!.TotpSecret!));
        var xml = next.KeyRing.LoadKeys().Single();
        Assert.Equal([5], next.Sealer.Open(SessionKeys, Convert.FromBase64String(xml["<key><sealed>".Length..^"</sealed></key>".Length])));
        Assert.Equal("<dict>profile</dict>"u8.ToArray(), await next.Profiles.Load("profile", 1));
        Assert.Equal([6], next.Sealer.Open("some-seed", await next.Control.GetOrAddFact("some-seed", [], TestContext.Current.CancellationToken)));
        Assert.Equal("<dict/>"u8.ToArray(), await next.Devices.LoadBody((await next.Queries.FindHistory(answer.EnrolmentId, answer.CommandUuid))!.BodyHash));
        Assert.Equal("<dict>result</dict>"u8.ToArray(), (await next.Queries.FindHistory(answer.EnrolmentId, answer.CommandUuid))!.Result);
    }

    [Fact]
    public async Task A_wrong_key_changes_nothing_and_neither_does_a_server_that_runs()
    {
        using var folder = new TemporaryFolder();
        var (oldFile, newFile) = (NewKey(folder, "old.key"), NewKey(folder, "new.key"));
        await using var mine = await fixture.CreateAnother();
        await mine.ForgetSchema();
        await mine.Node.DisposeAsync();
        var before = Settings(mine, oldFile);
        await using (await Node.Start(before))
        {
        }

        await Assert.ThrowsAsync<StorageConfigurationException>(() => Change(Settings(mine, newFile), NewKey(folder, "third.key")));
        await Assert.ThrowsAsync<StorageConfigurationException>(() => Change(before, oldFile));
        await Assert.ThrowsAsync<StorageConfigurationException>(() => Change(before, folder.File("missing.key")));
        await using (var node = await Node.Start(before))
        {
            var row = await Make.Enrolled(node);
            using var guard = mine is SqliteFixture sqlite ? StoreLock.Take(Path.Combine(sqlite.Folder, "fleetmdm.db")) : null;
            await Assert.ThrowsAsync<StoreUnavailableException>(() => Change(before, newFile));
            Assert.Equal(EnrolmentStatus.Enrolled, (await node.Devices.Load(row.Id)).Row!.Status);
        }

        await using var again = await Node.Start(before);
    }

    private static async Task<string> WithToken(Node node, string? udid)
    {
        var row = await Make.Enrolled(node, row => row with { Udid = udid });
        var token = node.Sealer.Seal($"unlock-token/{udid ?? row.Id}", [1, 2, 3]);
        await node.Parts.Database.Write(s => s.Sql("UPDATE devices SET unlock_token = @token WHERE id = @id").Bytes("@token", token).Text("@id", row.Id).Execute());
        return row.Id;
    }

    private static string NewKey(TemporaryFolder folder, string name)
    {
        File.WriteAllText(folder.File(name), Convert.ToBase64String(RandomNumberGenerator.GetBytes(SecretSealer.KeyLength)));
        return folder.File(name);
    }

    private static Dictionary<string, string?> Settings(StoreFixture store, string keyFile)
    {
        var settings = new Dictionary<string, string?>(store.Settings) { ["Secrets:MasterKeyFile"] = keyFile };
        settings.Remove("Secrets:MasterKey");
        return settings;
    }

    private static async Task<MasterKeyChanged> Change(IReadOnlyDictionary<string, string?> settings, string newKeyFile)
    {
        // As the command names its connections.
        var named = new Dictionary<string, string?>(settings);
        if (named.TryGetValue("Storage:ConnectionString", out var connection))
            named["Storage:ConnectionString"] = connection + ";Application Name=fleetmdm-rekey";
        await using var node = new Node(named);
        return await node.MasterKeyChange.Run(newKeyFile, [SessionKeys], TestContext.Current.CancellationToken);
    }
}
