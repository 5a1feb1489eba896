using System.Security.Cryptography;
using CsCheck;
using FleetMdm.Storage.Hosting;
using FleetMdm.Storage.Secrets;
using FleetMdm.Testing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace FleetMdm.Storage.Tests;

public sealed class SecretsTests : IDisposable
{
    private const string Key = "q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k=";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private Dictionary<string, string?> Settings(params (string Name, string Value)[] more)
    {
        var settings = new Dictionary<string, string?> { ["Storage:DataDirectory"] = _folder.Path };
        foreach (var (name, value) in more)
            settings[name] = value;
        return settings;
    }

    private static SecretSealer Sealer(byte first = 1) => new([first, .. new byte[31]]);

    [Fact]
    public void What_was_sealed_is_opened() => Gen.Select(Gen.String, Gen.Byte.Array).Sample((purpose, secret) =>
        Sealer().Open(purpose, Sealer().Seal(purpose, secret)).AsSpan().SequenceEqual(secret));

    [Fact]
    public void The_same_secret_is_sealed_differently_each_time() => Assert.NotEqual(Sealer().Seal("a", [1]), Sealer().Seal("a", [1]));

    [Fact]
    public void Another_purpose_or_key_opens_nothing()
    {
        var sealedSecret = Sealer().Seal("unlock-token/A", "secret"u8);

        Assert.ThrowsAny<CryptographicException>(() => Sealer().Open("unlock-token/B", sealedSecret));
        Assert.ThrowsAny<CryptographicException>(() => Sealer(2).Open("unlock-token/A", sealedSecret));
    }

    [Fact]
    public void A_change_of_any_byte_is_noticed()
    {
        var sealedSecret = Sealer().Seal("a", "secret"u8);
        for (var i = 0; i < sealedSecret.Length; i++)
        {
            var damaged = (byte[])sealedSecret.Clone();
            damaged[i] ^= 1;
            Assert.ThrowsAny<CryptographicException>(() => Sealer().Open("a", damaged));
            Assert.ThrowsAny<CryptographicException>(() => Sealer().Open("a", sealedSecret.AsSpan(0, i)));
        }
    }

    [Fact]
    public void A_key_of_another_length_is_refused() => Assert.Throws<ArgumentException>(() => new SecretSealer(new byte[16]));

    [Fact]
    public async Task One_box_makes_its_master_key_at_first_start_for_its_owner_only_and_keeps_it()
    {
        byte[] sealedSecret;
        await using (var node = await Node.Start(Settings()))
            sealedSecret = node.Sealer.Seal("a", "secret"u8);

        var file = _folder.File("master.key");
        Assert.Equal(32, Convert.FromBase64String((await File.ReadAllTextAsync(file)).Trim()).Length);
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        await using var again = await Node.Start(Settings());
        Assert.Equal("secret"u8.ToArray(), again.Sealer.Open("a", sealedSecret));
    }

    [Fact]
    public async Task Another_key_than_the_first_is_refused_at_start()
    {
        await using (await Node.Start(Settings()))
        {
        }

        var refused = await Assert.ThrowsAsync<StorageConfigurationException>(() => Node.Start(Settings(("Secrets:MasterKey", Key))));

        Assert.Contains("Secrets:MasterKey", refused.Message);
        Assert.DoesNotContain(Key, refused.ToString());
    }

    [Fact]
    public async Task The_key_may_come_from_a_file()
    {
        await File.WriteAllTextAsync(_folder.File("key"), Key + "\n");

        await using (await Node.Start(Settings(("Secrets:MasterKeyFile", _folder.File("key")))))
        {
        }

        await using (await Node.Start(Settings(("Secrets:MasterKey", Key))))
        {
        }

        Assert.False(File.Exists(_folder.File("master.key")));
    }

    [Theory]
    [InlineData("Secrets:MasterKey", "not base64", "Secrets:MasterKey")]
    [InlineData("Secrets:MasterKey", "q83vASNFZ4k=", "32 bytes")]
    [InlineData("Secrets:MasterKeyFile", "/no/such/file", "/no/such/file")]
    public async Task What_is_no_key_is_refused_with_a_word_on_how_to_make_one(string option, string value, string named)
    {
        var refused = await Assert.ThrowsAsync<StorageConfigurationException>(() => Node.Start(Settings((option, value))));

        Assert.Contains(named, refused.Message);
    }

    [Fact]
    public async Task On_PostgreSQL_a_key_must_be_given()
    {
        var refused = await Assert.ThrowsAsync<StorageConfigurationException>(
            () => Node.Start(Settings(("Storage:Provider", "PostgreSQL"), ("Storage:ConnectionString", "Host=127.0.0.1;Port=1"))));

        Assert.Contains("openssl rand -base64 32", refused.Message);
        Assert.Contains("FLEETMDM__Secrets__MasterKey", refused.Message);
    }

    public static TheoryData<string, string, string> WrongOptions => new()
    {
        { "Storage:Provider", "Oracle", "Storage:Provider" },
        { "Storage:Provider", "7", "Storage:Provider must be" },
        { "Storage:DataDirectory", " ", "Storage:DataDirectory" },
        { "Storage:Provider", "PostgreSQL", "Storage:ConnectionString must be set" },
        { "Storage:ConnectionString", "Data Source=:memory:", "a database in memory" },
        { "Storage:ConnectionString", "Nonsense=1", "Storage:ConnectionString has the keyword" },
    };

    [Theory]
    [MemberData(nameof(WrongOptions))]
    public async Task A_wrong_option_stops_the_start_with_a_sentence_that_names_it(string option, string value, string sentence)
    {
        var refused = await Assert.ThrowsAnyAsync<Exception>(() => StartHost(Settings((option, value))));

        Assert.Contains(sentence, refused.ToString());
    }

    [Theory]
    [InlineData("Nonsense=1")]
    [InlineData("Port=5432")]
    public async Task A_wrong_connection_string_of_PostgreSQL_is_named_too(string text)
    {
        var refused = await Assert.ThrowsAsync<OptionsValidationException>(
            () => StartHost(Settings(("Storage:Provider", "PostgreSQL"), ("Storage:ConnectionString", text))));

        Assert.Contains("Storage:ConnectionString", refused.Message);
    }

    [Fact]
    public async Task Only_one_master_key_may_be_given()
    {
        var refused = await Assert.ThrowsAsync<OptionsValidationException>(
            () => StartHost(Settings(("Secrets:MasterKey", Key), ("Secrets:MasterKeyFile", "f"))));

        Assert.Contains("Only one of Secrets:MasterKey and Secrets:MasterKeyFile", refused.Message);
    }

    [Fact]
    public async Task A_host_has_its_store_ready_before_anything_else_starts()
    {
        var watcher = new Watcher();
        using var host = Build(Settings(), services => services.AddSingleton<IHostedService>(provider =>
        {
            watcher.Control = provider.GetRequiredService<IStoreControl>();
            return watcher;
        }));

        await host.StartAsync();
        await host.StopAsync();

        Assert.True(watcher.Ready);
    }

    private static async Task StartHost(Dictionary<string, string?> settings)
    {
        using var host = Build(settings, _ => { });
        await host.StartAsync();
    }

    private static IHost Build(Dictionary<string, string?> settings, Action<IServiceCollection> more)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.AddInMemoryCollection(settings);
        // Registered before the store: its start must find the store ready all the same.
        more(builder.Services);
        builder.Services.AddFleetStorage(builder.Configuration);
        return builder.Build();
    }

    private sealed class Watcher : IHostedService
    {
        public IStoreControl? Control { get; set; }

        public bool Ready { get; private set; }

        public async Task StartAsync(CancellationToken cancellationToken)
        {
            await Control!.Check(cancellationToken);
            Ready = true;
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
