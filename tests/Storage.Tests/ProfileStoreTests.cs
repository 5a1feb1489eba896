using System.Security.Cryptography;
using System.Text;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Inventory;
using FleetMdm.Storage.Operations;
using FleetMdm.Storage.Profiles;

namespace FleetMdm.Storage.Tests;

public sealed class PostgresProfileStoreTests(PostgresFixture fixture) : ProfileStoreTests(fixture), IClassFixture<PostgresFixture>;

public sealed class SqliteProfileStoreTests(SqliteFixture fixture) : ProfileStoreTests(fixture), IClassFixture<SqliteFixture>;

public abstract class ProfileStoreTests(StoreFixture fixture)
{
    private IProfileStore Store => fixture.Node.Profiles;

    private static string NewId() => Guid.NewGuid().ToString();

    internal static ProfileWrite Write(string id, int version = 1, string content = "<dict/>", string? identifier = null, string name = "Wi-Fi") => new()
    {
        Identifier = identifier ?? $"org.example.{id}",
        Content = Encoding.UTF8.GetBytes(content),
        Version = new ProfileVersionRow
        {
            ProfileId = id,
            Version = version,
            Uuid = $"{id.ToUpperInvariant()}-{version}",
            Name = name,
            Signed = false,
            HasSecrets = true,
            Variables = ["serial"],
            Payloads = [new ProfilePart("com.apple.wifi.managed", "org.example.1", "UUID", null)],
            Size = content.Length,
            CreatedAt = Make.Now,
            CreatedBy = "ada",
            Note = "why",
        },
    };

    private async Task<(OperationRow Operation, string Uuid)> Send(string profile, int version, bool remove = false, params string[] devices)
    {
        var uuid = Guid.NewGuid().ToString().ToUpperInvariant();
        return (await fixture.Node.Operations.Append(new OperationAppend
        {
            Id = Guid.NewGuid().ToString(),
            CommandUuid = uuid,
            RequestType = remove ? "RemoveProfile" : "InstallProfile",
            Body = "<dict>profile</dict>"u8.ToArray(),
            AcceptedAt = Make.Now,
            RequestedBy = "ada",
            Ids = devices,
            Profile = new ProfileOrder(profile, version, remove),
        }), uuid);
    }

    private async Task Finish(string device, string uuid, CommandEnding ending, DateTimeOffset at, string? reason = null)
    {
        var row = (await fixture.Node.Devices.Load(device)).Queue.Single(queued => queued.CommandUuid == uuid);
        Assert.True(await fixture.Node.Devices.Finish(Make.Finish(device, row.Sequence, ending, row.BodyHash) with
        {
            FinishedAt = at,
            ErrorSummary = reason,
            ProfileCommand = uuid,
            Result = null,
        }));
    }

    private async Task<ProfileState?> State(string device, string profile) =>
        (await Store.ListOfDevice(device, null, 10)).SingleOrDefault(standing => standing.ProfileId == profile)?.State;

    [Fact]
    public async Task An_answer_within_a_change_of_its_enrolment_settles_the_profile_when_the_change_passes_and_only_then()
    {
        var device = await Make.Enrolled(fixture.Node);
        var (id, replaced) = (NewId(), NewId());
        foreach (var profile in new[] { id, replaced }) await Store.Write(Write(profile));
        var (_, before) = await Send(replaced, 1, devices: device.Id);
        await Finish(device.Id, before, CommandEnding.Acknowledged, Make.Now.AddMinutes(1));
        var (_, uuid) = await Send(id, 1, devices: device.Id);
        var row = (await fixture.Node.Devices.Load(device.Id)).Queue.Single();
        var finish = Make.Finish(device.Id, row.Sequence, CommandEnding.Acknowledged, row.BodyHash) with
        {
            FinishedAt = Make.Now.AddMinutes(5),
            ProfileCommand = uuid,
            ProfileIdentifier = $"org.example.{replaced}",
            Result = null,
        };
        await fixture.Node.Devices.Commit(Make.Change(device with { Version = 9 }) with { Finish = finish });
        Assert.Equal((ProfileState.OnItsWay, ProfileState.Installed), (await State(device.Id, id), await State(device.Id, replaced)));

        await fixture.Node.Devices.Commit(Make.Change(device with { Version = 2 }) with { Finish = finish });
        Assert.Equal((ProfileState.Installed, ProfileState.OtherVersion), (await State(device.Id, id), await State(device.Id, replaced)));
    }

    [Fact]
    public async Task What_is_written_is_read_back_and_sealed_where_it_lies()
    {
        var id = NewId();
        Assert.Equal(ProfileWriteOutcome.Written, await Store.Write(Write(id, content: "<dict>secret</dict>")));

        var row = (await Store.Find(id))!;
        Assert.Equal((id, $"org.example.{id}", 1, "why"), (row.Id, row.Identifier, row.Newest.Version, row.Newest.Note));
        Assert.Equal(["serial"], row.Newest.Variables);
        Assert.Equal(new ProfilePart("com.apple.wifi.managed", "org.example.1", "UUID", null), Assert.Single(row.Newest.Payloads));
        Assert.Equal("<dict>secret</dict>"u8.ToArray(), await Store.Load(id, 1));
        Assert.Equal(row.Id, (await Store.FindByIdentifier(row.Identifier))!.Id);
        var stored = await fixture.Node.Parts.Database.Read(s => s.Sql("SELECT content FROM profile_versions WHERE profile_id = @id").Text("@id", id).First(r => r.Bytes(0)));
        Assert.Equal(-1, stored!.AsSpan().IndexOf("secret"u8));
    }

    [Fact]
    public async Task A_version_follows_the_one_that_it_was_made_from_and_a_repetition_writes_nothing()
    {
        var id = NewId();
        await Store.Write(Write(id));
        Assert.Equal(ProfileWriteOutcome.Written, await Store.Write(Write(id)));
        Assert.Equal(ProfileWriteOutcome.Written, await Store.Write(Write(id, 2, "<dict>2</dict>", name: "Two")));
        Assert.Equal(ProfileWriteOutcome.Written, await Store.Write(Write(id, 2, "<dict>2</dict>", name: "Two")));
        Assert.Equal(ProfileWriteOutcome.VersionConflict, await Store.Write(Write(id, 2, "<dict>other</dict>")));
        Assert.Equal(ProfileWriteOutcome.VersionConflict, await Store.Write(Write(id, 9, "<dict>other</dict>")));
        Assert.Equal(ProfileWriteOutcome.NotFound, await Store.Write(Write(NewId(), 2)));
        Assert.Equal(ProfileWriteOutcome.IdentifierTaken, await Store.Write(Write(NewId(), identifier: $"org.example.{id}")));

        Assert.Equal([2, 1], (await Store.ListVersions(id, null, 10)).Select(version => version.Version));
        Assert.Equal([1], (await Store.ListVersions(id, 2, 10)).Select(version => version.Version));
        Assert.Equal("Two", (await Store.Find(id))!.Newest.Name);
    }

    [Fact]
    public async Task Of_many_who_change_a_version_at_once_one_wins()
    {
        var id = NewId();
        await Store.Write(Write(id));
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => Store.Write(Write(id, 2, $"<dict>{i}</dict>"))));
        Assert.Equal(1, outcomes.Count(outcome => outcome == ProfileWriteOutcome.Written));
        Assert.Equal(2, (await Store.ListVersions(id, null, 100)).Count);
    }

    [Fact]
    public async Task The_last_hundred_versions_are_kept()
    {
        var id = NewId();
        for (var version = 1; version <= IProfileStore.MostVersions + 2; version++) await Store.Write(Write(id, version, $"<dict>{version}</dict>"));
        var kept = await Store.ListVersions(id, null, 1000);
        Assert.Equal((IProfileStore.MostVersions, 102, 3), (kept.Count, kept[0].Version, kept[^1].Version));
        Assert.Null(await Store.Load(id, 2));
    }

    [Fact]
    public async Task A_signature_is_kept_with_its_version_and_a_link_finds_its_profile()
    {
        var id = NewId();
        await Store.Write(Write(id));
        Assert.Null(await Store.FindSigned(id, 1));
        var signed = new SignedProfile(Make.Hash(), "signed bytes"u8.ToArray());
        await Store.KeepSigned(id, 1, signed);
        var read = (await Store.FindSigned(id, 1))!;
        Assert.Equal((Convert.ToHexString(signed.Signer), "signed bytes"), (Convert.ToHexString(read.Signer), Encoding.UTF8.GetString(read.Content)));

        var token = RandomNumberGenerator.GetBytes(20);
        Assert.True(await Store.SetLink(id, token, true, null, Make.Now, null));
        Assert.Equal(id, (await Store.FindByLink(token))!.Id);
        Assert.Equal(token, await Store.FindLink(id));
        Assert.True((await Store.Find(id))!.LinkSecrets);
        Assert.True(await Store.SetLink(id, null, false, null, Make.Now, null));
        Assert.Null(await Store.FindByLink(token));
        Assert.Null(await Store.FindLink(id));
        Assert.False(await Store.SetLink(NewId(), token, true, null, Make.Now, null));
    }

    private static ProfileWrite Write(string id, int version, bool secrets, params string[] variables)
    {
        var write = Write(id, version, $"<dict>{version}</dict>");
        return write with { Version = write.Version with { HasSecrets = secrets, Variables = variables } };
    }

    [Fact]
    public async Task A_link_and_a_version_that_must_not_be_public_never_meet_whoever_comes_first()
    {
        var (id, token) = (NewId(), RandomNumberGenerator.GetBytes(20));
        await Store.Write(Write(id, 1, secrets: false));
        // The link was decided of version 1.
        Assert.Equal(ProfileWriteOutcome.Written, await Store.Write(Write(id, 2, secrets: true)));
        Assert.False(await Store.SetLink(id, token, false, 1, Make.Now, null));
        Assert.Null(await Store.FindLink(id));

        // The version was decided before there was a link.
        Assert.Equal(ProfileWriteOutcome.Written, await Store.Write(Write(id, 3, secrets: false)));
        Assert.True(await Store.SetLink(id, token, false, 3, Make.Now, null));
        Assert.Equal(ProfileWriteOutcome.VersionConflict, await Store.Write(Write(id, 4, secrets: true)));
        Assert.Equal(ProfileWriteOutcome.VersionConflict, await Store.Write(Write(id, 4, secrets: false, "serial")));
        Assert.Equal(3, (await Store.Find(id))!.Newest.Version);
        Assert.Equal(ProfileWriteOutcome.Written, await Store.Write(Write(id, 4, secrets: false)));
        Assert.True(await Store.SetLink(id, token, true, 4, Make.Now, null));
        Assert.Equal(ProfileWriteOutcome.Written, await Store.Write(Write(id, 5, secrets: true)));
        Assert.Equal(ProfileWriteOutcome.VersionConflict, await Store.Write(Write(id, 6, secrets: true, "serial")));
    }

    [Fact]
    public async Task What_became_of_a_command_is_written_with_its_end_and_only_of_the_last_one()
    {
        var (device, profile) = ((await Make.Enrolled(fixture.Node)).Id, NewId());
        await Store.Write(Write(profile));
        await Store.Write(Write(profile, 2, "<dict>2</dict>"));
        var (_, first) = await Send(profile, 1, devices: device);
        Assert.Equal(ProfileState.OnItsWay, await State(device, profile));
        var (_, second) = await Send(profile, 2, devices: device);
        await Finish(device, first, CommandEnding.Acknowledged, Make.Now);
        Assert.Equal(ProfileState.OnItsWay, await State(device, profile));
        await Finish(device, second, CommandEnding.Error, Make.Now, "sour");
        var standing = Assert.Single(await Store.ListOfDevice(device, null, 10));
        Assert.Equal((ProfileState.Failed, "sour", 2, 2), (standing.State, standing.Reason, standing.Version, standing.NewestVersion));

        var (_, removal) = await Send(profile, 2, remove: true, device);
        Assert.Equal(ProfileState.BeingRemoved, await State(device, profile));
        Assert.Equal(1, await Store.CountHolders(Scope.District, profile));
        await Finish(device, removal, CommandEnding.Acknowledged, Make.Now);
        Assert.Equal(ProfileState.Removed, await State(device, profile));
        Assert.Equal(0, await Store.CountHolders(Scope.District, profile));
        Assert.Equal(new ProfileCount(ProfileState.Removed, 1, 0), Assert.Single(await Store.Count(Scope.District, profile)));
        Assert.Equal(device, Assert.Single(await Store.ListDevices(Scope.District, profile, ProfileState.Removed, null, 10)).DeviceId);
        Assert.Empty(await Store.ListDevices(Scope.District, profile, ProfileState.Installed, null, 10));
    }

    [Fact]
    public async Task An_answer_that_came_late_counts()
    {
        var (device, profile) = ((await Make.Enrolled(fixture.Node)).Id, NewId());
        await Store.Write(Write(profile));
        var (_, uuid) = await Send(profile, 1, devices: device);
        await Finish(device, uuid, CommandEnding.Error, Make.Now, "given up");
        Assert.Equal(ProfileState.Failed, await State(device, profile));
        var ended = (await fixture.Node.LateAnswers.Find(device, uuid))!;
        Assert.True(await fixture.Node.LateAnswers.Keep(new LateAnswer
        {
            EnrolmentId = device,
            CommandUuid = uuid,
            Sequence = ended.Sequence,
            Ending = CommandEnding.Acknowledged,
            Summary = "late",
            Result = "<dict/>"u8.ToArray(),
        }));
        Assert.Equal(ProfileState.Installed, await State(device, profile));
    }

    [Fact]
    public async Task An_iPad_that_is_erased_has_nothing_of_it_any_more()
    {
        var (row, profile) = (await Make.Enrolled(fixture.Node), NewId());
        await Store.Write(Write(profile));
        await Send(profile, 1, devices: row.Id);
        var other = await Make.Enrolled(fixture.Node);
        await Send(profile, 1, devices: other.Id);
        await fixture.Node.Devices.Commit(Make.Change(row with { Version = 2 }) with { Inventory = InventoryEnd.Forgotten, EndQueue = CommandEnding.Erased });
        Assert.Null(await State(row.Id, profile));
        await fixture.Node.Devices.Commit(Make.Change(other with { Version = 2 }) with { Inventory = InventoryEnd.LocationForgotten });
        Assert.Equal(ProfileState.OnItsWay, await State(other.Id, profile));
    }
}
