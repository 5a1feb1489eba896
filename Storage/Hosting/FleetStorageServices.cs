using FleetMdm.Storage.Access;
using FleetMdm.Storage.ActivationLock;
using FleetMdm.Storage.Apps;
using FleetMdm.Storage.AppsAndBooks;
using FleetMdm.Storage.Assignments;
using FleetMdm.Storage.Attestation;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Automated;
using FleetMdm.Storage.Campaigns;
using FleetMdm.Storage.Classroom;
using FleetMdm.Storage.Declarations;
using FleetMdm.Storage.DeviceImports;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Enrolment;
using FleetMdm.Storage.Exams;
using FleetMdm.Storage.Exports;
using FleetMdm.Storage.GroupCommit;
using FleetMdm.Storage.Groups;
using FleetMdm.Storage.Holdings;
using FleetMdm.Storage.Imports;
using FleetMdm.Storage.Incidents;
using FleetMdm.Storage.Inventory;
using FleetMdm.Storage.Operations;
using FleetMdm.Storage.People;
using FleetMdm.Storage.Placeholders;
using FleetMdm.Storage.Profiles;
using FleetMdm.Storage.Renewals;
using FleetMdm.Storage.Returns;
using FleetMdm.Storage.Schools;
using FleetMdm.Storage.Secrets;
using FleetMdm.Storage.SelfService;
using FleetMdm.Storage.Sqlite;
using FleetMdm.Storage.Teaching;
using FleetMdm.Storage.Webhooks;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace FleetMdm.Storage.Hosting;

/// <summary>Registers the store: all ports, on the database that the section <c>Storage</c> names.</summary>
public static class FleetStorageServices
{
    /// <summary>
    /// Adds the ports, <see cref="SecretSealer"/>, and a hosted service that migrates (or refuses) and checks the master key before
    /// any other service starts. The sections <c>Storage</c> and <c>Secrets</c> are read from the root of the configuration.
    /// </summary>
    public static IServiceCollection AddFleetStorage(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddFleetOptions<StorageOptions>(configuration, StorageOptions.Section);
        services.AddSingleton<IValidateOptions<StorageOptions>, StorageOptionsValidator>();
        services.AddFleetOptions<SecretsOptions>(configuration, SecretsOptions.Section, options => options.FindFault());
        services.TryAddSingleton(TimeProvider.System);
        services.AddLogging();
        services.AddMetrics();

        services.AddSingleton<StorageMetrics>();
        services.AddSingleton<BodyCache>();
        services.AddSingleton<BodySealer>();
        services.AddSingleton<AuditSeal>();
        services.AddSingleton(provider => new SecretSealer(
            MasterKey.Load(provider.GetRequiredService<IOptions<SecretsOptions>>().Value, Options(provider))));
        services.AddSingleton(provider => Options(provider).Provider == StorageProvider.PostgreSQL
            ? StoreParts.OnPostgres(provider, Options(provider))
            : StoreParts.OnSqlite(provider, Options(provider)));

        // Only the parts are the container's to dispose: they know in which order.
        services.AddSingleton<IDeviceStore>(provider => new DeviceStore(
            Parts(provider).Lanes, Parts(provider).Activity, provider.GetRequiredService<BodyCache>(),
            provider.GetRequiredService<BodySealer>(), provider.GetRequiredService<StorageMetrics>()));
        services.AddSingleton<IEnrolmentStore>(provider => new EnrolmentStore(Parts(provider).Database, Parts(provider).Lanes));
        services.AddSingleton<IAttestationStore>(provider => new AttestationStore(Parts(provider).Database));
        services.AddSingleton<IPlaceholderStore>(provider => new PlaceholderStore(Parts(provider).Database));
        services.AddSingleton<IProfileStore>(provider => new ProfileStore(Parts(provider).Database, provider.GetRequiredService<BodySealer>()));
        services.AddSingleton<IImportStore>(provider => new ImportStore(Parts(provider).Database));
        services.AddSingleton<IPeopleStore>(provider => new PeopleStore(Parts(provider).Database));
        services.AddSingleton<IClassStore>(provider => new ClassStore(Parts(provider).Database));
        services.AddSingleton<IGroupStore>(provider => new GroupStore(Parts(provider).Database));
        services.AddSingleton<IExamStore>(provider => new ExamStore(Parts(provider).Database, provider.GetRequiredService<BodySealer>()));
        services.AddSingleton(provider => new AssignmentStore(Parts(provider).Database, provider.GetRequiredService<BodySealer>()));
        services.AddSingleton<IAssignmentStore>(provider => provider.GetRequiredService<AssignmentStore>());
        services.AddSingleton<IRollOutStore>(provider => provider.GetRequiredService<AssignmentStore>());
        services.AddSingleton<IClassroomStore>(provider => new ClassroomStore(Parts(provider).Database));
        services.AddSingleton<IDeclarationStore>(provider => new DeclarationStore(Parts(provider).Database, provider.GetRequiredService<BodySealer>()));
        services.AddSingleton<IHoldingStore>(provider => new HoldingStore(Parts(provider).Database));
        services.AddSingleton<ISelfServiceStore>(provider => new SelfServiceStore(Parts(provider).Database));
        services.AddSingleton<ICampaignStore>(provider => new CampaignStore(Parts(provider).Database));
        services.AddSingleton<IReturnStore>(provider => new ReturnStore(Parts(provider).Database));
        services.AddSingleton<ITeachingStore>(provider => new TeachingStore(Parts(provider).Database));
        services.AddSingleton<IExportStore>(provider => new ExportStore(Parts(provider).Database));
        services.AddSingleton<IIncidentStore>(provider => new IncidentStore(Parts(provider).Database));
        services.AddSingleton<IDeviceImportStore>(provider => new DeviceImportStore(Parts(provider).Database));
        services.AddSingleton<IAutomatedStore>(provider => new AutomatedStore(Parts(provider).Database));
        services.AddSingleton<IAutomatedSyncStore>(provider => new AutomatedSyncStore(Parts(provider).Database));
        services.AddSingleton<IAutomatedHoldStore>(provider => new AutomatedHoldStore(Parts(provider).Database));
        services.AddSingleton<IContentStore>(provider => new ContentStore(Parts(provider).Database));
        services.AddSingleton<IContentSyncStore>(provider => new ContentSyncStore(Parts(provider).Database));
        services.AddSingleton<ISchoolStore>(provider => new SchoolStore(Parts(provider).Database));
        services.AddSingleton<IReenrolmentStore>(provider => new ReenrolmentStore(Parts(provider).Database));
        services.AddSingleton<ILateAnswerStore>(provider => new LateAnswerStore(Parts(provider).Database, provider.GetRequiredService<BodySealer>()));
        services.AddSingleton<IRenewalStore>(provider => new RenewalStore(Parts(provider).Database));
        services.AddSingleton<IInventoryStore>(provider => new InventoryStore(Parts(provider).Database));
        services.AddSingleton<IHostedAppStore>(provider => new HostedAppStore(Parts(provider).Database));
        services.AddSingleton<IActivationLockStore>(provider => new ActivationLockStore(Parts(provider).Database));
        services.AddSingleton<IInstalledAppStore>(provider => new InstalledAppStore(Parts(provider).Database, provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<IEscrowStore>(provider => new EscrowStore(Parts(provider).Database));
        services.AddSingleton<IUserChannelStore>(provider => new UserChannelStore(Parts(provider).Database));
        services.AddFleetOptions<OperationOptions>(configuration, OperationOptions.Section, options => options.FindFault());
        services.AddSingleton<IRepeatStore>(provider => new RepeatStore(Parts(provider).Database));
        services.AddSingleton<IOperationPaceStore>(provider => new OperationPaceStore(Parts(provider).Database));
        services.AddSingleton<IOperationStore>(provider =>
            new OperationStore(Parts(provider).Database, provider.GetRequiredService<BodySealer>(), provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<IAuditStore>(provider => new AuditStore(Parts(provider).Database));
        services.AddSingleton<IAuditChain>(provider => new AuditChain(Parts(provider).Database, provider.GetRequiredService<TimeProvider>()));
        services.AddFleetOptions<WebhookOptions>(configuration, WebhookOptions.Section, options => options.FindFault());
        services.AddSingleton<IWebhookStore>(provider => new WebhookStore(Parts(provider).Database));
        services.AddSingleton<IFleetQueries>(provider => new FleetQueries(Parts(provider).Database, provider.GetRequiredService<BodySealer>()));
        services.AddSingleton<IAccountStore>(provider => new AccountStore(Parts(provider).Database));
        services.AddSingleton<IPasskeyStore>(provider => new PasskeyStore(Parts(provider).Database));
        services.AddSingleton<IIdempotencyStore>(provider => new IdempotencyStore(Parts(provider).Database));
        services.AddSingleton(provider => Parts(provider).KeyRing);
        services.AddSingleton(provider => (IStoreControl)Parts(provider).Control);
        services.AddSingleton<IStoreSpace>(provider => Options(provider).Provider == StorageProvider.PostgreSQL ? new NoSpaceKnown() : new SqliteSpace(Options(provider)));
        services.AddSingleton<StoreBackup>();
        services.AddSingleton<MasterKeyChange>();
        services.AddSingleton<StorageStartup>();
        services.AddHostedService(provider => provider.GetRequiredService<StorageStartup>());
        services.AddSingleton<BodyRewrite>();
        services.AddHostedService(provider => provider.GetRequiredService<BodyRewrite>());
        return services;
    }

    /// <summary>For a server: while it runs, no second server can use the same database, unless both are of one cluster, and no restore the same file
    /// of SQLite. To be called before <see cref="AddFleetStorage"/>.</summary>
    /// <param name="shared">The server is one of a cluster.</param>
    public static IServiceCollection AddFleetStoreGuard(this IServiceCollection services, bool shared) =>
        services.AddHostedService(provider => new StoreGuard(shared, provider.GetRequiredService<IOptions<StorageOptions>>(), provider));

    /// <summary>What the hosted service does at start, for those who run without a host: migrates or refuses, checks the master key.</summary>
    public static Task StartFleetStorage(this IServiceProvider services, CancellationToken cancellationToken = default) =>
        services.GetRequiredService<StorageStartup>().StartingAsync(cancellationToken);

    private static StoreParts Parts(IServiceProvider provider) => provider.GetRequiredService<StoreParts>();

    private static StorageOptions Options(IServiceProvider provider) => provider.GetRequiredService<IOptions<StorageOptions>>().Value;
}
