import ca.uhn.fhir.batch2.api.IJobMaintenanceService;
import ca.uhn.fhir.batch2.jobs.config.Batch2JobsConfig;
import ca.uhn.fhir.batch2.jobs.export.BulkDataExportProvider;
import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.IValidationSupport;
import ca.uhn.fhir.interceptor.api.IInterceptorService;
import ca.uhn.fhir.jpa.api.config.JpaStorageSettings;
import ca.uhn.fhir.jpa.api.config.ThreadPoolFactoryConfig;
import ca.uhn.fhir.jpa.api.dao.IFhirSystemDao;
import ca.uhn.fhir.jpa.batch2.JpaBatch2Config;
import ca.uhn.fhir.jpa.config.HapiJpaConfig;
import ca.uhn.fhir.jpa.config.r4.JpaR4Config;
import ca.uhn.fhir.jpa.config.util.HapiEntityManagerFactoryUtil;
import ca.uhn.fhir.jpa.model.config.PartitionSettings;
import ca.uhn.fhir.jpa.model.config.SubscriptionSettings;
import ca.uhn.fhir.jpa.model.dialect.HapiFhirH2Dialect;
import ca.uhn.fhir.jpa.provider.JpaCapabilityStatementProvider;
import ca.uhn.fhir.jpa.provider.JpaSystemProvider;
import ca.uhn.fhir.jpa.search.DatabaseBackedPagingProvider;
import ca.uhn.fhir.jpa.subscription.channel.config.SubscriptionChannelConfig;
import ca.uhn.fhir.jpa.subscription.submit.config.SubscriptionSubmitterConfig;
import ca.uhn.fhir.parser.StrictErrorHandler;
import ca.uhn.fhir.rest.api.EncodingEnum;
import ca.uhn.fhir.rest.server.RestfulServer;
import ca.uhn.fhir.rest.server.provider.ResourceProviderFactory;
import ca.uhn.fhir.rest.server.util.ISearchParamRegistry;
import ca.uhn.fhir.util.VersionUtil;
import jakarta.persistence.EntityManagerFactory;
import java.io.IOException;
import java.nio.file.Files;
import java.util.Properties;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import javax.sql.DataSource;
import org.apache.catalina.Context;
import org.apache.catalina.startup.Tomcat;
import org.h2.jdbcx.JdbcConnectionPool;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.context.ApplicationContext;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.context.annotation.Primary;
import org.springframework.orm.jpa.JpaTransactionManager;
import org.springframework.orm.jpa.LocalContainerEntityManagerFactoryBean;

/**
 * HAPI FHIR JPA R4 on an in-memory database, bound to loopback: java HapiServer PORT [tied].
 *
 * With "tied" it ends when its standard input closes, so that it never outlives the test run.
 */
public final class HapiServer {
    private static final int PAGE = 20;
    private static final int LARGEST_PAGE = 200;

    @Configuration
    @Import({JpaR4Config.class, HapiJpaConfig.class, JpaBatch2Config.class, Batch2JobsConfig.class,
             SubscriptionChannelConfig.class, SubscriptionSubmitterConfig.class, ThreadPoolFactoryConfig.class})
    public static class Storage {
        @Bean public JpaStorageSettings storageSettings() {
            JpaStorageSettings storage = new JpaStorageSettings();
            storage.setSchedulingDisabled(false);
            storage.setEnableTaskBulkExportJobExecution(true);
            storage.setEnableBulkExportJobReuse(false);
            return storage;
        }
        @Bean public PartitionSettings partitionSettings() { return new PartitionSettings(); }
        @Bean public SubscriptionSettings subscriptionSettings() { return new SubscriptionSettings(); }

        @Bean public DataSource dataSource() {
            JdbcConnectionPool pool = JdbcConnectionPool.create("jdbc:h2:mem:charts;DB_CLOSE_DELAY=-1", "sa", "");
            pool.setMaxConnections(40);
            return pool;
        }

        @Primary @Bean public LocalContainerEntityManagerFactoryBean entityManagerFactory(
                DataSource source, ConfigurableListableBeanFactory beans, FhirContext fhir, JpaStorageSettings storage) {
            Properties hibernate = new Properties();
            hibernate.put("hibernate.dialect", HapiFhirH2Dialect.class.getName());
            hibernate.put("hibernate.hbm2ddl.auto", "create");
            hibernate.put("hibernate.jdbc.batch_size", "20");
            hibernate.put("hibernate.search.enabled", "false");
            LocalContainerEntityManagerFactoryBean factory =
                    HapiEntityManagerFactoryUtil.newEntityManagerFactory(beans, fhir, storage);
            factory.setPersistenceUnitName("HAPI_PU");
            factory.setDataSource(source);
            factory.setJpaProperties(hibernate);
            return factory;
        }

        @Primary @Bean public JpaTransactionManager transactionManager(EntityManagerFactory factory) {
            return new JpaTransactionManager(factory);
        }
    }

    private static RestfulServer restServer(ApplicationContext beans) {
        FhirContext fhir = beans.getBean(FhirContext.class);
        fhir.setParserErrorHandler(new StrictErrorHandler());
        DatabaseBackedPagingProvider paging = beans.getBean(DatabaseBackedPagingProvider.class);
        paging.setDefaultPageSize(PAGE);
        paging.setMaximumPageSize(LARGEST_PAGE);

        RestfulServer server = new RestfulServer(fhir);
        server.setInterceptorService(beans.getBean(IInterceptorService.class));
        server.registerProviders(beans.getBean(ResourceProviderFactory.class).createProviders());
        server.registerProvider(beans.getBean(JpaSystemProvider.class));
        server.registerProvider(beans.getBean(BulkDataExportProvider.class));
        server.setServerConformanceProvider(new JpaCapabilityStatementProvider(
                server, beans.getBean(IFhirSystemDao.class), beans.getBean(JpaStorageSettings.class),
                beans.getBean(ISearchParamRegistry.class), beans.getBean(IValidationSupport.class)));
        server.setPagingProvider(paging);
        server.setDefaultResponseEncoding(EncodingEnum.JSON);
        return server;
    }

    private static Tomcat tomcat(int port, RestfulServer server) throws IOException {
        Tomcat tomcat = new Tomcat();
        tomcat.setBaseDir(Files.createTempDirectory("hapi-tomcat").toString());
        tomcat.setHostname("127.0.0.1");
        tomcat.setPort(port);
        tomcat.getConnector().setProperty("address", "127.0.0.1");
        Context web = tomcat.addContext("", null);
        Tomcat.addServlet(web, "fhir", server).setLoadOnStartup(1);
        web.addServletMappingDecoded("/fhir/*", "fhir");
        return tomcat;
    }

    /** Each step of an export waits for a pass; its own scheduler makes one a minute. */
    private static void runJobs(IJobMaintenanceService jobs) {
        ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(task -> {
            Thread thread = new Thread(task, "jobs");
            thread.setDaemon(true);
            return thread;
        });
        timer.scheduleWithFixedDelay(() -> {
            try {
                jobs.runMaintenancePass();
            } catch (RuntimeException failed) {
                System.err.println("HAPI jobs: " + failed);
            }
        }, 5, 1, TimeUnit.SECONDS);
    }

    private static void endWithInput() {
        Thread watcher = new Thread(() -> {
            try {
                while (System.in.read() >= 0) { }
            } catch (IOException closed) {
                // closed is what is waited for
            }
            Runtime.getRuntime().halt(0);
        });
        watcher.setDaemon(true);
        watcher.start();
    }

    public static void main(String[] arguments) throws Exception {
        int port = Integer.parseInt(arguments[0]);
        if (arguments.length > 1 && arguments[1].equals("tied")) {
            endWithInput();
        }
        ApplicationContext beans = new AnnotationConfigApplicationContext(Storage.class);
        Tomcat tomcat = tomcat(port, restServer(beans));
        tomcat.start();
        runJobs(beans.getBean(IJobMaintenanceService.class));
        System.out.println("HAPI FHIR " + VersionUtil.getVersion() + " at http://127.0.0.1:" + port + "/fhir");
        tomcat.getServer().await();
    }
}
